import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { StreamStage } from "../../../../test/support/stream-stage.ts";
import type { StreamConfig } from "./core/stream-config.ts";

/** What a message counts in memory besides its bytes. */
const OVERHEAD_BYTES = 16;
const NS_PER_MS = 1e6;

interface ModelMessage {
  readonly seq: number;
  readonly subject: string;
  readonly size: number;
  readonly atMs: number;
  readonly ttlMs: number;
}

/** A stream as an array, told in the fewest words. */
class Model {
  messages: ModelMessage[] = [];
  lastSeq = 0;
  nowMs = 0;
  readonly config: StreamConfig;
  readonly ids = new Map<string, { seq: number; atMs: number }>();

  constructor(config: StreamConfig) {
    this.config = config;
  }

  publish(subject: string, size: number, id: string, rollup: string, ttlMs: number): string {
    const { config } = this;
    const known = this.ids.get(id);
    if (known !== undefined && this.nowMs - known.atMs < config.duplicate_window / NS_PER_MS)
      return `duplicate ${known.seq}`;
    const refused = config.discard === "new" ? this.#refusal(subject, size, rollup) : "";
    if (refused !== "") return refused;
    const seq = ++this.lastSeq;
    if (id !== "") this.ids.set(id, { seq, atMs: this.nowMs });
    this.messages.push({ seq, subject, size, atMs: this.nowMs, ttlMs });
    const perSubject = config.max_msgs_per_subject;
    if (perSubject > 0) this.keepLast((one) => one.subject === subject, perSubject);
    if (config.discard === "old") this.#trim();
    if (rollup === "sub") this.keepLast((one) => one.subject === subject, 1);
    if (rollup === "all") this.keepLast(() => true, 1);
    return `stored ${seq}`;
  }

  /** Of those that `takes` says, only the last `keep` stay. */
  keepLast(takes: (one: ModelMessage) => boolean, keep: number): number {
    const taken = this.messages.filter(takes);
    const gone = new Set(taken.slice(0, Math.max(taken.length - keep, 0)));
    this.messages = this.messages.filter((one) => !gone.has(one));
    return gone.size;
  }

  /** Until `atMs` the messages before go that are too old. */
  pass(ms: number): void {
    this.nowMs += ms;
    const maxAgeMs = this.config.max_age / NS_PER_MS;
    const isDue = ({ atMs, ttlMs }: ModelMessage): boolean =>
      (ttlMs > 0 && this.nowMs >= atMs + ttlMs) ||
      (maxAgeMs > 0 && ttlMs >= 0 && this.nowMs > atMs + maxAgeMs);
    this.messages = this.messages.filter((one) => !isDue(one));
  }

  get bytes(): number {
    return this.messages.reduce((sum, { size }) => sum + size, 0);
  }

  #trim(): void {
    const { max_msgs, max_bytes } = this.config;
    const isBeyond = (): boolean =>
      (max_msgs > 0 && this.messages.length > max_msgs) || (max_bytes > 0 && this.bytes > max_bytes);
    while (isBeyond()) this.messages.shift();
  }

  #refusal(subject: string, size: number, rollup: string): string {
    const { max_msgs, max_bytes, max_msgs_per_subject: perSubject, discard_new_per_subject } = this.config;
    const mine = this.messages.filter((one) => one.subject === subject);
    const replaces = perSubject > 0 && mine.length >= perSubject;
    if (replaces && discard_new_per_subject && rollup === "") return "maximum messages per subject exceeded";
    if (max_msgs > 0 && this.messages.length >= max_msgs && !replaces) return "maximum messages exceeded";
    if (max_bytes > 0 && this.bytes + size > max_bytes && (!replaces || mine[0].size < size))
      return "maximum bytes exceeded";
    return "";
  }
}

/** What an answer of the stream says, in the model's words. */
function heard(answer: string): string {
  const said = JSON.parse(answer) as { seq: number; duplicate?: boolean; error?: { description: string } };
  if (said.error !== undefined) return said.error.description;
  return said.duplicate === true ? `duplicate ${said.seq}` : `stored ${said.seq}`;
}

const limit = fc.constantFrom(-1, -1, 1, 2, 4);
const configs = fc.record({
  max_msgs: limit,
  max_bytes: fc.constantFrom(-1, -1, 60, 150),
  max_msgs_per_subject: limit,
  max_age: fc.constantFrom(0, 0, 5_000 * NS_PER_MS),
  duplicate_window: fc.constantFrom(0, 2_000 * NS_PER_MS),
  discard: fc.constantFrom("old", "new"),
  discard_new_per_subject: fc.boolean(),
});
const publish = fc.record({
  subject: fc.constantFrom("s.a", "s.b", "s.c"),
  size: fc.nat({ max: 40 }),
  id: fc.constantFrom("", "", "1", "2"),
  rollup: fc.constantFrom("", "", "", "sub", "all"),
  ttl: fc.constantFrom("", "", "1s", "3s", "never"),
});
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: publish },
    { weight: 2, arbitrary: fc.record({ passMs: fc.constantFrom(1, 700, 2_500) }) },
    { weight: 1, arbitrary: fc.record({ remove: fc.nat({ max: 30 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        filter: fc.constantFrom("", "s.a", "s.*"),
        seq: fc.nat({ max: 30 }),
        keep: fc.nat({ max: 3 }),
      }),
    },
  ),
  { maxLength: 40 },
);

const TTL_MS: Readonly<Record<string, number>> = { "": 0, "1s": 1_000, "3s": 3_000, never: -1 };

test("a stream is what an array says, whatever is published, removed and purged", async () => {
  await fc.assert(
    fc.asyncProperty(configs, steps, async (limits, sequence) => {
      const stage = new StreamStage();
      const stream = await stage.stream({
        ...limits,
        discard: limits.discard === "new" ? "new" : "old",
        subjects: ["s.*"],
        allow_rollup_hdrs: true,
        allow_msg_ttl: true,
      });
      const model = new Model(stream.config);
      for (const step of sequence) {
        if ("subject" in step) {
          const { subject, size, id, rollup, ttl } = step;
          const headers: string[] = [];
          if (id !== "") headers.push(`Nats-Msg-Id: ${id}`);
          if (rollup !== "") headers.push(`Nats-Rollup: ${rollup}`);
          if (ttl !== "") headers.push(`Nats-TTL: ${ttl}`);
          const answer = await stage.publish(subject, "x".repeat(size), headers);
          const block = headers.length === 0 ? 0 : `NATS/1.0\r\n${headers.join("\r\n")}\r\n\r\n`.length;
          const counted = OVERHEAD_BYTES + subject.length + block + size;
          assert.equal(heard(answer), model.publish(subject, counted, id, rollup, TTL_MS[ttl]));
        } else if ("passMs" in step) {
          await stage.advance(step.passMs);
          model.pass(step.passMs);
        } else if ("remove" in step) {
          const isRemoved = model.keepLast(({ seq }) => seq === step.remove, 0) > 0;
          assert.equal(await stream.removeMessage(step.remove, false), isRemoved);
        } else {
          // A sequence and a number to keep exclude each other.
          const seq = step.keep > 0 ? 0 : Math.min(step.seq, model.lastSeq + 1);
          const takes = (one: ModelMessage): boolean =>
            (step.filter !== "s.a" || one.subject === "s.a") && (seq === 0 || one.seq < seq);
          const purged = model.keepLast(takes, step.keep);
          assert.equal(await stream.purge({ seq, filter: step.filter, keep: step.keep }), purged);
        }
        const list = model.messages.map(({ seq, subject }) => `${seq}:${subject}`).join(" ");
        assert.equal(stage.list(stream), list);
        assert.equal(stream.store.state.bytes, model.bytes);
        assert.equal(stage.owner.usageOf("").memory, model.bytes);
      }
      await stage.owner.close();
      assert.equal(stage.jetStream.usage.memory, 0);
    }),
    { numRuns: 150 },
  );
});
