import { PLAIN_TERMS } from "./stream-ledger.ts";
import type { User } from "./user.ts";

const CHUNKS = "_S";
const CHUNK_BYTES = 64 * 1024;
/** Of virtual time, in which nothing came: the snapshot has ended without an end. */
const IDLE_MS_MAX = 1_000;

/** Takes a snapshot of a stream; null: it did not come to its end. */
export async function takeSnapshot(user: User, stream: string): Promise<Buffer | null> {
  const { server, ledger } = user;
  server.subscribe(CHUNKS);
  const request = JSON.stringify({ deliver_subject: CHUNKS, chunk_size: CHUNK_BYTES });
  server.say(`$JS.API.STREAM.SNAPSHOT.${stream}`, request);
  const chunks: string[] = [];
  for (let idleMs = 0; idleMs < IDLE_MS_MAX; idleMs += 10) {
    const came = await server.take();
    ledger.deliveries(came);
    for (const { subject, reply, payload } of came) {
      if (subject !== CHUNKS) continue;
      if (payload === "") return Buffer.from(chunks.join(""), "latin1");
      chunks.push(payload);
      idleMs = 0;
      if (reply !== "") server.publish(reply, "", "");
    }
    await server.advance(10);
  }
  return null;
}

/** Restores a snapshot of `from`, as it is now, under another name: all that was promised there is promised here then. */
export async function restoreSnapshot(
  user: User,
  archive: Buffer,
  from: string,
  name: string,
): Promise<void> {
  const { server, ledger } = user;
  const origin = ledger.stream(from);
  const stream = ledger.stream(name);
  stream.begin({ ...PLAIN_TERMS });
  stream.presence = "maybe";
  stream.descriptions = new Set([""]);
  for (const sent of origin.sent.values()) stream.sent.set(sent.text, { ...sent });
  stream.lastSeq = origin.lastSeq;
  for (const consumer of ledger.consumers(from)) {
    const copy = consumer.copy(name);
    copy.presence = "maybe";
    ledger.addConsumer(copy);
  }
  const config = { name, subjects: [`${name.toLowerCase()}.*`], allow_atomic: true, allow_direct: true };
  const begun = await server.api(`STREAM.RESTORE.${name}`, { config, state: {} });
  const subject = begun?.["deliver_subject"];
  if (typeof subject !== "string") return;
  for (let at = 0; at < archive.length; at += CHUNK_BYTES) {
    await server.ask(subject, archive.latin1Slice(at, Math.min(archive.length, at + CHUNK_BYTES)));
  }
  const done = await server.ask(subject, "");
  if (done === null || !done.payload.includes('"config"')) return;
  stream.presence = "yes";
  for (const consumer of ledger.consumers(name)) consumer.presence = "yes";
}
