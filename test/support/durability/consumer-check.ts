import type { Finding } from "./compare.ts";
import type { ConsumerLedger } from "./consumer-ledger.ts";
import type { FoundMessage, FoundStream } from "./found.ts";
import type { User } from "./user.ts";

/** More than any test leaves undelivered. */
const BATCH = 1000;

/** Whether a stream has the consumers that it promised, and each delivers what it has to. */
export async function checkConsumers(user: User, stream: FoundStream): Promise<Finding[]> {
  const findings: Finding[] = [];
  const tell = (kind: Finding["kind"], text: string): void =>
    void findings.push({ stream: stream.name, kind, text });
  const { consumers } = await user.server.need(`CONSUMER.NAMES.${stream.name}`);
  const names = new Set((consumers as string[] | null) ?? []);
  for (const name of names) {
    // Copies have consumers of the server's own.
    if (user.ledger.consumer(stream.name, name) === null) tell("back", `consumer '${name}' was removed`);
  }
  for (const consumer of user.ledger.consumers(stream.name)) {
    const say = (kind: Finding["kind"], text: string): void => tell(kind, `'${consumer.name}': ${text}`);
    if (names.has(consumer.name)) await checkConsumer(user, consumer, stream, say);
    else if (consumer.presence === "yes") say("missing", "the consumer");
    else user.ledger.dropConsumer(consumer);
  }
  return findings;
}

type Say = (kind: Finding["kind"], text: string) => void;

async function checkConsumer(
  user: User,
  consumer: ConsumerLedger,
  stream: FoundStream,
  say: Say,
): Promise<void> {
  const info = await user.server.api(`CONSUMER.INFO.${stream.name}.${consumer.name}`);
  if (info === null || info.error !== undefined) {
    say("missing", "it can't be served");
    return;
  }
  const { description = "" } = info["config"] as { description?: string };
  if (!consumer.descriptions.has(description)) say("back", `its description is '${description}'`);
  consumer.presence = "yes";
  consumer.descriptions = new Set([description]);
  const due = stream.messages.filter(
    ({ subject }) => consumer.subject === "" || consumer.subject === subject,
  );
  if (consumer.acknowledges) await checkPull(user, consumer, due, say);
  else {
    await user.received();
    for (const message of due)
      if (!consumer.received.has(message.text)) say("missing", `${shown(message)} was not pushed`);
  }
}

async function checkPull(
  user: User,
  consumer: ConsumerLedger,
  due: readonly FoundMessage[],
  say: Say,
): Promise<void> {
  const delivered = await user.fetch(consumer.stream, consumer.name, BATCH, "nothing");
  const seqs = new Set(delivered.map(({ seq }) => seq));
  if (seqs.size < delivered.length) say("wrong", "it delivers messages twice");
  const bySeq = new Map(due.map((message) => [message.seq, message]));
  for (const { seq, text } of delivered) {
    const message = bySeq.get(seq);
    if (message === undefined || message.text !== text) say("wrong", `${seq} was delivered and is not there`);
    else if (consumer.confirmed.has(text)) say("back", `${shown(message)} came after it was confirmed`);
  }
  const { sent } = user.ledger.stream(consumer.stream);
  for (const message of due) {
    // What was to be removed and is there all the same has passed, perhaps.
    if (sent.get(message.text)?.gone === "maybe") consumer.acked.add(message.text);
    if (!seqs.has(message.seq) && !consumer.acked.has(message.text))
      say("missing", `${shown(message)} does not come`);
  }
}

function shown({ seq, text }: FoundMessage): string {
  return `${seq} (${text.slice(0, 20)})`;
}
