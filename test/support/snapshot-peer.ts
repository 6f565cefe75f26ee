import assert from "node:assert/strict";
import { openServices, type Services } from "../../packages/caddis/src/jetstream/services.ts";
import type { Peer } from "./test-broker.ts";
import type { StreamStage } from "./stream-stage.ts";

/** A message that came. Wire strings. */
export interface Came {
  readonly subject: string;
  readonly reply: string;
  readonly headers: string;
  readonly payload: string;
}

/** A snapshot as its chunks brought it. */
export interface TakenSnapshot {
  /** The answer to the request. */
  readonly answer: string;
  readonly archive: Buffer;
  readonly chunks: number;
  /** The status that ended it, without its version; empty: none. */
  readonly status: string;
}

/** How the chunks of a restore go. */
export interface RestorePlan {
  readonly chunkBytes?: number;
  /** The configuration to restore with. */
  readonly config?: object;
  /** Leaves out the message that ends the archive. */
  readonly isLeftOpen?: boolean;
}

/** A client that takes snapshots and restores them, on a stage. */
export class SnapshotPeer {
  readonly stage: StreamStage;
  readonly peer: Peer;
  readonly services: Services;
  #count = 0;

  constructor(stage: StreamStage) {
    this.stage = stage;
    this.services = openServices(stage.owner);
    this.peer = stage.world.connect();
    this.peer.say("SUB answer.* 1\r\n");
  }

  /** Asks the API; resolves with the answer. */
  async ask(subject: string, body: object | string = ""): Promise<string> {
    const reply = `answer.${++this.#count}`;
    this.publish(`$JS.API.${subject}`, reply, typeof body === "string" ? body : JSON.stringify(body));
    const came = await this.take();
    assert.deepEqual([came.length, came[0]?.subject], [1, reply], `an answer to ${subject}`);
    return came[0].payload;
  }

  publish(subject: string, reply: string, payload: string): void {
    this.peer.say(`PUB ${subject} ${reply} ${payload.length}\r\n${payload}\r\n`);
  }

  /** What has come by the time that everything is at rest. */
  async take(): Promise<Came[]> {
    await this.stage.world.clock.settled();
    return messagesIn(this.peer.read());
  }

  /** Takes a snapshot to its end. `between` is called before each acknowledgement. */
  async snapshot(
    stream: string,
    request: object = {},
    between: (chunks: number) => void = () => {},
  ): Promise<TakenSnapshot> {
    this.peer.say("SUB chunks.here 2\r\n");
    const answer = await this.#begin(stream, { deliver_subject: "chunks.here", ...request });
    const chunks: string[] = [];
    for (let idle = 0; idle < 3;) {
      const came = answer.rest.splice(0);
      came.push(...(await this.take()));
      idle = came.length === 0 ? idle + 1 : 0;
      if (idle > 0) await this.stage.advance(10);
      for (const { reply, headers, payload } of came) {
        if (payload === "") {
          this.peer.say("UNSUB 2\r\n");
          const status = /^NATS\/1.0 (.*)\r\n/.exec(headers)?.[1] ?? "";
          const archive = Buffer.from(chunks.join(""), "latin1");
          return { answer: answer.text, archive, chunks: chunks.length, status };
        }
        chunks.push(payload);
        between(chunks.length);
        if (reply !== "") this.publish(reply, "none", "");
      }
    }
    assert.fail(`a snapshot without an end: ${answer.text}`);
  }

  async #begin(stream: string, request: object): Promise<{ text: string; rest: Came[] }> {
    const reply = `answer.${++this.#count}`;
    this.publish(`$JS.API.STREAM.SNAPSHOT.${stream}`, reply, JSON.stringify(request));
    const [first, ...rest] = await this.take();
    assert.equal(first?.subject, reply);
    return { text: first.payload, rest };
  }

  /** Restores a stream; resolves with the last answer. */
  async restore(stream: string, archive: Buffer, plan: RestorePlan = {}): Promise<string> {
    const { chunkBytes = 64 * 1024, config = { name: stream }, isLeftOpen = false } = plan;
    const begun = await this.ask(`STREAM.RESTORE.${stream}`, { config, state: {} });
    const { deliver_subject: subject = "" } = JSON.parse(begun) as { deliver_subject?: string };
    if (subject === "") return begun;
    for (let at = 0; at < archive.length; at += chunkBytes) {
      const said = await this.#send(
        subject,
        archive.latin1Slice(at, Math.min(archive.length, at + chunkBytes)),
      );
      if (said !== "") return said;
    }
    return isLeftOpen ? subject : await this.#send(subject, "");
  }

  async #send(subject: string, chunk: string): Promise<string> {
    const reply = `answer.${++this.#count}`;
    this.publish(subject, reply, chunk);
    for (let tries = 0; tries < 50; tries++) {
      const came = await this.take();
      if (came.length > 0) return came.map(({ headers, payload }) => headers + payload).join("|");
    }
    assert.fail("a chunk without an answer");
  }
}

/** The messages in what a client was sent. */
export function messagesIn(output: string): Came[] {
  const messages: Came[] = [];
  for (let rest = output.replaceAll(/^PING\r\n/gm, ""); rest !== "";) {
    const match = /^H?MSG (\S+) \d+ (?:([^\s\d]\S*|\S*[^\s\d]\S*) )?(?:(\d+) )?(\d+)\r\n/.exec(rest);
    assert.ok(match !== null, `a message expected: ${JSON.stringify(rest.slice(0, 100))}`);
    const start = match[0].length;
    const headersEnd = start + Number(match[3] ?? 0);
    const end = start + Number(match[4]);
    messages.push({
      subject: match[1],
      reply: match[2] ?? "",
      headers: rest.slice(start, headersEnd),
      payload: rest.slice(headersEnd, end),
    });
    rest = rest.slice(end + 2);
  }
  return messages;
}
