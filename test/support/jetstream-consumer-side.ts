import assert from "node:assert/strict";
import { RawClient } from "./raw-client.ts";
import { Requester } from "./jetstream-requester.ts";

/** A message as it came over the connection. */
export interface Frame {
  readonly subject: string;
  readonly sid: string;
  /** Empty: none. */
  readonly reply: string;
  readonly headers: string;
  readonly payload: string;
}

/** How long what must not come is waited for, in round trips: enough for what is on its way already. */
const QUIET_ROUND_TRIPS = 5;

/** Of a payload, in the record. */
const SHOWN_MAX = 1_000;

/** What differs from one run to the next. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/(\$JS\.ACK\.[^ ]+\.\d+\.\d+\.\d+)\.\d+\.(\d+)/g, "$1.TIME.$2"],
  [/(\$JS\.FC\.[\w-]+\.[\w-]+)\.\w+/g, "$1.ID"],
  [
    /"(id|timestamp|created|ts|last_active|pinned_ts|pinned_client_id|pinned_id)":"(?!0001)[^"]*"/g,
    '"$1":"X"',
  ],
  [/"(ack_time|pause_remaining)":\d+/g, '"$1":0'],
  [/Nats-Pin-Id: \w+/g, "Nats-Pin-Id: ID"],
];

/** One server in a scene: what a client does there, and a record of what came of it. */
export class ConsumerSide {
  readonly record: string[] = [];
  /** All messages so far. */
  readonly frames: Frame[] = [];
  readonly #client: RawClient;
  readonly #api: Requester;
  readonly #inboxes = new Set<string>();
  #expected = 0;

  private constructor(client: RawClient, api: Requester) {
    this.#client = client;
    this.#api = api;
  }

  static async connect(port: number): Promise<ConsumerSide> {
    const client = await RawClient.connect(port);
    client.send('CONNECT {"verbose":false,"headers":true,"no_responders":true,"protocol":1}\r\n');
    return new ConsumerSide(client, await Requester.connect(port));
  }

  async close(): Promise<void> {
    // Its requests end before the next scene has the same inboxes.
    await this.api("STREAM.DELETE.S");
    this.#api.close();
    this.#client.drop();
  }

  /** A request to the API; its answer is returned, and not recorded. */
  async api(subject: string, body: unknown = ""): Promise<string> {
    const text = body === "" ? "" : JSON.stringify(body);
    return steady((await this.#api.request(`$JS.API.${subject}`, text)).body);
  }

  /** A stream in memory of the name S, with nothing in it. */
  async stream(config: object = {}): Promise<void> {
    const answer = await this.api("STREAM.CREATE.S", {
      name: "S",
      subjects: ["s.>"],
      storage: "memory",
      ...config,
    });
    assert.ok(!answer.includes('"error"'), answer);
  }

  /** A durable consumer C. */
  async consumer(config: object = {}): Promise<void> {
    const whole = { durable_name: "C", ack_policy: "explicit", ...config };
    const answer = await this.api("CONSUMER.CREATE.S.C", { stream_name: "S", config: whole });
    assert.ok(!answer.includes('"error"'), answer);
  }

  /** Stores messages `m<n>`, each acknowledged before the next. */
  async publish(...subjects: string[]): Promise<void> {
    for (const [i, subject] of subjects.entries()) await this.#api.request(subject, `m${i}`);
  }

  async publishWith(subject: string, headers: string, payload: string): Promise<void> {
    await this.#api.request(subject, payload, headers);
  }

  say(lines: string): void {
    this.#client.send(lines);
  }

  /** Resolves once the server knows all that was said, and has had time to act on it. */
  async settle(): Promise<void> {
    for (let i = 0; i < QUIET_ROUND_TRIPS; i++) {
      await this.#client.barrier();
      await this.api("STREAM.INFO.S");
    }
    this.#take();
  }

  pull(inbox: string, body: unknown = ""): void {
    this.#listen(inbox);
    const text = typeof body === "string" ? body : JSON.stringify(body);
    this.say(`PUB $JS.API.CONSUMER.MSG.NEXT.S.C in.${inbox} ${text.length}\r\n${text}\r\n`);
  }

  /** Acknowledges message number `index`; `inbox`: where that is confirmed. */
  ack(index: number, payload = "", inbox = ""): void {
    const { reply } = this.frames[index];
    if (inbox !== "") this.#listen(inbox);
    const to = inbox === "" ? "" : `in.${inbox} `;
    this.say(`PUB ${reply} ${to}${payload.length}\r\n${payload}\r\n`);
  }

  /** Its name is the id of the subscription, since deliveries do not say where they were sent. */
  #listen(inbox: string): void {
    if (this.#inboxes.has(inbox)) return;
    this.#inboxes.add(inbox);
    this.say(`SUB in.${inbox} ${inbox}\r\n`);
  }

  /** Waits for `count` more messages and records them. */
  async next(count = 1): Promise<void> {
    this.#expected += count;
    await this.#client.waitUntil(() => {
      this.#take();
      return this.frames.length >= this.#expected;
    });
    assert.ok(this.frames.length >= this.#expected, `${count} messages: ${this.record.join("\n")}`);
  }

  /** Records that nothing else has come, or what has. */
  async quiet(): Promise<void> {
    await this.settle();
    this.#expected = this.frames.length;
    this.record.push("quiet");
  }

  /** Records how it stands with the consumer. */
  async info(): Promise<void> {
    const info = await this.api("CONSUMER.INFO.S.C");
    this.record.push(info.replace(/"config":\{.*?\},"delivered"/, '"delivered"'));
  }

  /** Cuts messages out of the lines that came. */
  #take(): void {
    const { lines } = this.#client;
    for (;;) {
      const index = lines.findIndex((line) => /^H?MSG /.test(line));
      if (index < 0) return;
      const words = lines[index].split(" ");
      const size = Number(words.at(-1));
      let text = "";
      let used = index + 1;
      while (used < lines.length && (used === index + 1 || text.length < size)) {
        text += (used === index + 1 ? "" : "\r\n") + lines[used++];
      }
      if (used === index + 1 || text.length < size) return;
      lines.splice(index, used - index);
      const hasHeaders = words[0] === "HMSG";
      const headerSize = hasHeaders ? Number(words.at(-2)) : 0;
      const frame: Frame = {
        subject: words[1],
        sid: words[2],
        reply: words.length === (hasHeaders ? 6 : 5) ? words[3] : "",
        headers: text.slice(0, headerSize),
        payload: text.slice(headerSize),
      };
      this.frames.push(frame);
      this.record.push(
        steady(
          `${frame.subject} ${frame.sid} ${frame.reply} ${JSON.stringify(frame.headers)} ${frame.payload.slice(0, SHOWN_MAX)}`,
        ),
      );
    }
  }
}

function steady(text: string): string {
  return VARYING.reduce((done, [pattern, replacement]) => done.replace(pattern, replacement), text);
}
