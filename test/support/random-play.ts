import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";
import { Requester } from "./jetstream-requester.ts";
import { ServerProcess } from "./server-process.ts";

const STEPS = 60;
/** More than a play ever stores: a pull of so many always ends with a status. */
const ALL = 200;
const TOKENS = ["a", "b", "c"];
const CONSUMERS = ["c1", "c2"];
const HOUR_NS = 3600e9;

const STORE_NOT_MADE = '"err_code":10049';
/** The reference sometimes counts a sequence 0 as deleted, in files that are new. */
const DELETED_NOTHING = /"num_deleted":1,("deleted":\[0\],)?(?="consumer_count"|"num_subjects":0)/g;

/** What differs from one run to the next: times. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/"(created|ts|first_ts|last_ts|time|last_active)":"(?!0001)[^"]*"/g, '"$1":"T"'],
  [/Nats-Time-Stamp: [^\r]*/g, "Nats-Time-Stamp: T"],
  [DELETED_NOTHING, ""],
  // What waits is counted by the reference as messages come and go, and not quite, once some were removed.
  [/(\$JS\.ACK\.\S+\.\d+\.\d+\.\d+)\.\d+\.\d+/g, "$1.T.P"],
  [/"num_pending":\d+/g, '"num_pending":P'],
  // That a delivered message was removed gets round to its consumers later there, and a purge may count for more than it
  // removed; what is delivered afterwards says whether it was right.
  [/"(delivered|ack_floor)":\{"consumer_seq":\d+,"stream_seq":\d+(,"last_active":"T")?\}/g, '"$1":P'],
  [/"num_ack_pending":\d+/g, '"num_ack_pending":P'],
];

/** In the reference a message may be acknowledged before its consumers see it: what differs only once does not count. */
const TRIES = 3;

/** Plays on two servers, and compares what they answer; by seed, the first difference in each play that has one. */
export async function differences(
  reference: string,
  command: string,
  seeds: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  let found = new Map(seeds.map((seed) => [seed, ""]));
  for (let i = 0; i < TRIES && found.size > 0; i++) {
    const left = [...found.keys()];
    const expected = await playAll(reference, left);
    const actual = await playAll(command, left);
    found = new Map();
    for (const [at, seed] of left.entries()) {
      const difference = firstDifference(expected[at], actual[at]);
      if (difference !== null) found.set(seed, difference);
    }
  }
  return found;
}

/** The first thing that two servers answered differently in one play; null: nothing. */
function firstDifference(expected: readonly Recorded[], actual: readonly Recorded[]): string | null {
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    const [one, other] = [expected.at(i), actual.at(i)];
    if (one?.asked === other?.asked && one?.said === other?.said) continue;
    return `step ${i}, ${one?.asked}:\n  expected ${one?.said}\n  ${other?.asked}:\n  actual ${other?.said}`;
  }
  return null;
}

/** What one server answers in a play, a line for each thing that was asked. */
interface Recorded {
  readonly asked: string;
  readonly said: string;
}

/** Plays on a server of its own; `command`: its executable. By play, what it said. */
async function playAll(command: string, seeds: readonly number[]): Promise<Recorded[][]> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-play-"));
  const jetstream = `jetstream { store_dir: ${JSON.stringify(folder)}, max_mem: 64MB, max_file: 64MB }`;
  const server = await ServerProcess.start({ command, config: `server_name: T, ${jetstream}` });
  try {
    const plays: Recorded[][] = [];
    for (const seed of seeds) plays.push(await new Play(await Requester.connect(server.port), seed).run());
    return plays;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A stream with consumers to which things are done by chance. What is done does not depend on what is answered. */
class Play {
  readonly #requester: Requester;
  readonly #random: SeededRandom;
  readonly #name: string;
  readonly #recorded: Recorded[] = [];
  /** Where deliveries of which nothing was said yet are acknowledged. */
  #replies: string[] = [];
  #published = 0;
  #config: Record<string, unknown> = {};

  constructor(requester: Requester, seed: number) {
    this.#requester = requester;
    this.#random = new SeededRandom(seed);
    this.#name = `P${seed}`;
  }

  async run(): Promise<Recorded[]> {
    await this.#create();
    for (let step = 0; step < STEPS; step++) await this.#step();
    for (let seq = 1; seq <= this.#published; seq++) await this.#api("STREAM.MSG.GET", { seq });
    await this.#api("STREAM.INFO", { deleted_details: true, subjects_filter: ">" });
    await this.#api("CONSUMER.LIST", "");
    await this.#requester.request(`$JS.API.STREAM.DELETE.${this.#name}`, "");
    this.#requester.close();
    return this.#recorded;
  }

  /** The reference sometimes can't make a stream while it removes the files of another one. */
  async #create(): Promise<void> {
    this.#config = this.#streamConfig();
    do {
      this.#recorded.length = 0;
      await this.#api("STREAM.CREATE", this.#config);
    } while (this.#recorded[0].said.includes(STORE_NOT_MADE));
  }

  /** Changes one thing: where several limits were lowered, which comes first decides what stays. */
  #update(): object {
    const changed = this.#streamConfig();
    const field = this.#one(Object.keys(changed));
    this.#config = { ...this.#config, [field]: changed[field] };
    return this.#config;
  }

  #streamConfig(): Record<string, unknown> {
    return {
      name: this.#name,
      subjects: [`${this.#name}.*`],
      storage: this.#one(["file", "memory"]),
      max_msgs: this.#one([-1, -1, 5, 20]),
      max_bytes: this.#one([-1, -1, 500]),
      max_msgs_per_subject: this.#one([-1, -1, 1, 3]),
      discard: this.#one(["old", "old", "new"]),
      allow_rollup_hdrs: this.#one([true, false]),
      allow_direct: this.#one([true, false]),
      deny_delete: this.#one([false, false, false, true]),
    };
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const dice = random.below(20);
    const seq = random.below(this.#published + 2);
    const subject = this.#subject();
    if (dice < 8) return this.#publish(subject);
    switch (dice) {
      case 8:
        return this.#api("STREAM.MSG.DELETE", { seq, no_erase: this.#one([true, false]) });
      case 9:
        return this.#api(
          "STREAM.PURGE",
          this.#one([{}, { filter: subject }, { seq }, { keep: 2 }, { filter: subject, keep: 1 }]),
        );
      case 10:
        return this.#api("STREAM.MSG.GET", this.#get(seq, subject));
      case 11:
        return this.#ask(`$JS.API.DIRECT.GET.${this.#name}`, JSON.stringify(this.#get(seq, subject)));
      case 12:
        return this.#api(
          "STREAM.INFO",
          this.#one([{}, { deleted_details: true }, { subjects_filter: subject }]),
        );
      case 13:
        return this.#api("STREAM.UPDATE", this.#update());
      case 14:
        return this.#createConsumer(seq);
      case 15:
        return this.#deleteConsumer(this.#one(CONSUMERS));
      case 16:
        return this.#api("CONSUMER.INFO", "", this.#one(CONSUMERS));
      case 17:
        return this.#pull(this.#one(CONSUMERS));
      default:
        return this.#answerDelivery();
    }
  }

  async #publish(subject: string): Promise<void> {
    const random = this.#random;
    const fields: string[] = [];
    if (random.below(4) === 0) fields.push(`Nats-Msg-Id: ${random.below(4)}`);
    if (random.below(6) === 0)
      fields.push(`Nats-Expected-Last-Sequence: ${random.below(this.#published + 1)}`);
    if (random.below(6) === 0)
      fields.push(`Nats-Expected-Last-Subject-Sequence: ${random.below(this.#published + 1)}`);
    if (random.below(10) === 0) fields.push(`Nats-Rollup: ${this.#one(["sub", "all", "what"])}`);
    this.#published++;
    await this.#ask(subject, `m${this.#published}`.padEnd(random.below(60), "x"), fields.join("\r\n"));
  }

  #createConsumer(seq: number): Promise<void> {
    const name = this.#one(CONSUMERS);
    const config = {
      durable_name: name,
      ack_policy: this.#one(["explicit", "explicit", "all", "none"]),
      ack_wait: HOUR_NS,
      max_deliver: this.#one([-1, -1, 2]),
      ...this.#one<object>([
        { deliver_policy: "all" },
        { deliver_policy: "all" },
        { deliver_policy: "new" },
        { deliver_policy: "last" },
        { deliver_policy: "by_start_sequence", opt_start_seq: seq + 1 },
      ]),
      ...(name === CONSUMERS[0] ? {} : { filter_subject: `${this.#name}.a` }),
    };
    return this.#api("CONSUMER.CREATE", { stream_name: this.#name, config }, name);
  }

  /** What it delivered is nobody's any more: nobody would confirm that it was acknowledged. */
  #deleteConsumer(name: string): Promise<void> {
    this.#replies = this.#replies.filter((reply) => reply.split(".")[3] !== name);
    return this.#api("CONSUMER.DELETE", "", name);
  }

  /** Takes all that a consumer has now. */
  async #pull(consumer: string): Promise<void> {
    const before = this.#requester.messages.length;
    await this.#api("CONSUMER.MSG.NEXT", { batch: ALL, no_wait: true }, consumer);
    const came = this.#requester.messages.slice(before);
    for (const { subject, reply, body } of came) this.#record("delivered", `${subject} ${reply} ${body}`);
    // Who asks for no acknowledgements confirms none.
    const { said } = await this.#request(`$JS.API.CONSUMER.INFO.${this.#name}.${consumer}`, "", "");
    if (!said.includes('"ack_policy":"none"')) this.#replies.push(...came.map(({ reply }) => reply));
  }

  /** Acknowledges a delivery, or says something else about it, and waits until that is confirmed. */
  async #answerDelivery(): Promise<void> {
    const [reply] = this.#replies.splice(this.#random.below(this.#replies.length), 1);
    const answer = this.#one(["+ACK", "+ACK", "", "-NAK", "+TERM", "+WPI"]);
    if (reply !== undefined) await this.#ask(reply, answer);
  }

  #get(seq: number, subject: string): object {
    return this.#one<object>([
      { seq },
      { last_by_subj: subject },
      { seq, next_by_subj: subject },
      { next_by_subj: `${this.#name}.>` },
    ]);
  }

  #subject(): string {
    return `${this.#name}.${this.#one(TOKENS)}`;
  }

  #one<T>(values: readonly T[]): T {
    return values[this.#random.below(values.length)];
  }

  #api(subject: string, body: object | string, more = ""): Promise<void> {
    const address = `$JS.API.${subject}.${this.#name}${more === "" ? "" : `.${more}`}`;
    return this.#ask(address, typeof body === "string" ? body : JSON.stringify(body));
  }

  async #ask(subject: string, body: string, fields = ""): Promise<void> {
    const { said } = await this.#request(subject, body, fields);
    this.#record(`${subject} ${fields} ${body}`, said);
  }

  async #request(subject: string, body: string, fields: string): Promise<{ said: string }> {
    const answer = await this.#requester.request(subject, body, fields);
    return { said: answer.headers + answer.body };
  }

  #record(asked: string, said: string): void {
    const steady = (text: string): string =>
      VARYING.reduce((done, [pattern, replacement]) => done.replace(pattern, replacement), text);
    this.#recorded.push({ asked: steady(asked), said: steady(said) });
  }
}
