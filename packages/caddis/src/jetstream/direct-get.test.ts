import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, TestBroker } from "../../../../test/support/test-broker.ts";
import type { Message } from "../broker/message.ts";
import { Subscription } from "../broker/subscription.ts";
import { MemoryStreamStore } from "../store/memory/memory-store.ts";
import type { StreamStore } from "../store/stream-store.ts";
import { DirectGets } from "./direct-get.ts";

const PREFIX = "$JS.API.DIRECT.GET.";
/** The first message's time; each comes a second after the one before. */
const START_MS = Date.UTC(2024, 0, 1);

interface Answer {
  readonly headers: string;
  readonly payload: string;
}

/** A stream `S` that may be read directly, and a connection that asks. */
class Scene {
  readonly world = new TestBroker({ max_pending: 1024 * 1024 });
  readonly peer: Peer = this.world.connect();
  readonly store: StreamStore = new MemoryStreamStore({ firstSeq: 0, hashBasis: 7 });
  readonly streams = new Map([
    ["S", { config: { name: "S", allow_direct: true }, store: this.store }],
    ["closed", { config: { name: "closed", allow_direct: false }, store: this.store }],
  ]);
  readonly gets = new DirectGets(this.world.broker.globalAccount, this.streams);

  constructor() {
    const receive = (message: Message): boolean => {
      const subject = message.input.buf.latin1Slice(message.subjectStart, message.subjectEnd);
      return this.gets.receive(message, subject.slice(PREFIX.length), message.headerBytes > 0);
    };
    const subscription = new Subscription(null, { receive }, `${PREFIX}>`, "", "");
    this.world.broker.globalAccount.subscribe(subscription);
    this.peer.say("SUB inbox 1\r\n");
  }

  put(subject: string, payload: string, headers = ""): void {
    const buf = Buffer.from(`..${headers}${payload}..`, "latin1");
    const payloadStart = 2 + headers.length;
    const timeMs = START_MS + this.store.state.lastSeq * 1_000;
    this.store.append(subject, buf, 2, payloadStart, buf.length - 2, timeMs, 5, 0);
  }

  async ask(rest: string, request: object | string = "", headers = ""): Promise<Answer[]> {
    const body = typeof request === "string" ? request : JSON.stringify(request);
    const sizes = headers === "" ? String(body.length) : `${headers.length} ${headers.length + body.length}`;
    this.peer.say(
      `${headers === "" ? "PUB" : "HPUB"} ${PREFIX}${rest} inbox ${sizes}\r\n${headers}${body}\r\n`,
    );
    return this.rest();
  }

  /** What comes until nothing more does. */
  async rest(): Promise<Answer[]> {
    let output = this.peer.read();
    for (let more = ""; (more = await this.#nextTurn()) !== "";) output += more;
    return answersIn(output);
  }

  async #nextTurn(): Promise<string> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    await new Promise<void>((resolve) => setImmediate(resolve));
    return this.peer.read();
  }
}

function answersIn(output: string): Answer[] {
  const answers: Answer[] = [];
  for (let rest = output; rest !== "";) {
    const match = /^H?MSG inbox 1 (?:(\d+) )?(\d+)\r\n/.exec(rest);
    assert.ok(match !== null, JSON.stringify(rest.slice(0, 100)));
    const headerBytes = Number(match[1] ?? 0);
    const start = match[0].length;
    const end = start + Number(match[2]);
    answers.push({
      headers: rest.slice(start, start + headerBytes),
      payload: rest.slice(start + headerBytes, end),
    });
    rest = rest.slice(end + 2);
  }
  return answers;
}

function status(line: string): Answer[] {
  return [{ headers: `NATS/1.0 ${line}\r\n\r\n`, payload: "" }];
}

function placed(seq: number, subject: string, more = "", before = ""): string {
  const time = new Date(START_MS + (seq - 1) * 1_000).toISOString().replace(".000Z", ".000000005Z");
  return (
    `NATS/1.0\r\n${before}Nats-Stream: S\r\nNats-Subject: ${subject}\r\nNats-Sequence: ${seq}\r\n` +
    `Nats-Time-Stamp: ${time}\r\n${more}\r\n`
  );
}

function counted(pending: number, last: number): string {
  return `Nats-Num-Pending: ${pending}\r\nNats-Last-Sequence: ${last}\r\n`;
}

function end(pending: number, last: number, upTo?: number): Answer {
  const more = upTo === undefined ? "" : `Nats-UpTo-Sequence: ${upTo}\r\n`;
  return { headers: `NATS/1.0 204 EOB\r\n${counted(pending, last)}${more}\r\n`, payload: "" };
}

function fourMessages(): Scene {
  const scene = new Scene();
  scene.put("a.1", "one");
  scene.put("a.2", "two", "NATS/1.0\r\nX: y\r\n\r\n");
  scene.put("a.1", "three");
  scene.put("b", "");
  return scene;
}

const FIRST = { headers: placed(1, "a.1"), payload: "one" };
const SECOND = { headers: placed(2, "a.2", "", "X: y\r\n"), payload: "two" };
const THIRD = { headers: placed(3, "a.1"), payload: "three" };
const FOURTH = { headers: placed(4, "b"), payload: "" };

test("one message is asked for by sequence, subject or time", async () => {
  const scene = fourMessages();
  const cases: readonly [object, Answer][] = [
    [{ seq: 1 }, FIRST],
    [{ seq: 2 }, SECOND],
    [{ last_by_subj: "a.1" }, THIRD],
    [{ last_by_subj: "a.*" }, THIRD],
    [{ last_by_subj: ">" }, FOURTH],
    [{ next_by_subj: "a.*" }, FIRST],
    [{ next_by_subj: "a.*", seq: 2 }, SECOND],
    [{ next_by_subj: "a.1", seq: 2 }, THIRD],
    [{ start_time: "2020-01-01T00:00:00Z" }, FIRST],
    [{ start_time: "2024-01-01T00:00:00.5Z" }, SECOND],
    [{ start_time: "2020-01-01T00:00:00Z", next_by_subj: "b" }, FOURTH],
    [
      { seq: 2, no_hdr: true },
      { headers: "", payload: "two" },
    ],
  ];
  for (const [request, answer] of cases)
    assert.deepEqual(await scene.ask("S", request), [answer], JSON.stringify(request));
  assert.deepEqual(await scene.ask("S.a.1"), [THIRD]);
  assert.deepEqual(await scene.ask("S.a.2", { no_hdr: true }), [{ headers: "", payload: "two" }]);
  assert.deepEqual(await scene.ask("S.a.2", { foo: 1 }), [SECOND]);
  assert.deepEqual(await scene.ask("S.a.*"), [THIRD]);
  assert.deepEqual(await scene.ask("S.>"), [FOURTH]);
});

test("streams whose names begin alike are told apart, and each is named in its answers", async () => {
  const scene = fourMessages();
  const other = new MemoryStreamStore({ firstSeq: 0, hashBasis: 7 });
  other.append("a.1", Buffer.from("other"), 0, 0, 5, START_MS, 5, 0);
  scene.streams.set("SS", { config: { name: "SS", allow_direct: true }, store: other });
  const answer = {
    headers: FIRST.headers.replace("Nats-Stream: S\r", "Nats-Stream: SS\r"),
    payload: "other",
  };
  for (const [rest, expected] of [
    ["S.a.1", THIRD],
    ["SS.a.1", answer],
    ["S.b", FOURTH],
    ["S.a.1", THIRD],
  ] as const)
    assert.deepEqual(await scene.ask(rest), [expected], rest);
  assert.deepEqual(await scene.ask("SS", { seq: 1 }), [answer]);
  assert.deepEqual(await scene.ask("S", { seq: 3 }), [THIRD]);
});

test("messages of any size are answered whole, headers and all", async () => {
  const scene = new Scene();
  const headers = `NATS/1.0\r\nX: ${"y".repeat(300)}\r\n\r\n`;
  const sizes = [0, 1, 9, 10, 99, 1_000, 65_300, 65_401, 65_451, 65_536, 200_000];
  for (const size of sizes) scene.put("a", "x".repeat(size), size % 2 === 0 ? headers : "");
  for (const [i, size] of sizes.entries()) {
    const before = size % 2 === 0 ? headers.slice("NATS/1.0\r\n".length, -2) : "";
    const answer = { headers: placed(i + 1, "a", "", before), payload: "x".repeat(size) };
    assert.deepEqual(await scene.ask("S", { seq: i + 1 }), [answer], `${size} bytes`);
  }
});

test("what is not there, and what can't be asked for", async () => {
  const scene = fourMessages();
  scene.store.remove(3, false);
  const missing = status("404 Message Not Found");
  for (const request of [
    { seq: 3 },
    { seq: 9 },
    { last_by_subj: "q" },
    { last_by_subj: "a..b" },
    { next_by_subj: "q" },
    { next_by_subj: "a..b" },
    { next_by_subj: "a.1", seq: 2 },
    { start_time: "2090-01-01T00:00:00Z" },
    { next_by_subj: "q", batch: 2 },
    { seq: 9, batch: 1 },
    { start_time: "2090-01-01T00:00:00Z", batch: 2 },
  ])
    assert.deepEqual(await scene.ask("S", request), missing, JSON.stringify(request));
  for (const subject of ["q", "a", "a.>.1", "a.*.1"])
    assert.deepEqual(await scene.ask(`S.${subject}`), missing, subject);
  for (const request of ["", "{}", '{"batch":2}', '{"up_to_seq":2}'])
    assert.deepEqual(await scene.ask("S", request), status("408 Empty Request"), request);
  for (const request of ["{", "x", '{"seq":"a"}', '{"start_time":"zz"}'])
    assert.deepEqual(await scene.ask("S", request), status("408 Malformed Request"), request);
  assert.deepEqual(await scene.ask("S.b", "{"), status("408 Malformed Request"));
  const bad = status("408 Bad Request");
  for (const request of [
    { seq: 1, last_by_subj: "b" },
    { seq: 1, start_time: "2020-01-01T00:00:00Z" },
    { last_by_subj: "b", start_time: "2020-01-01T00:00:00Z" },
    { last_by_subj: "b", next_by_subj: "b" },
    { last_by_subj: "b", batch: 2 },
    { last_by_subj: "b", multi_last: ["b"] },
    { next_by_subj: "b", multi_last: ["b"] },
    { multi_last: ["b"], up_to_seq: 1, up_to_time: "2020-01-01T00:00:00Z" },
  ])
    assert.deepEqual(await scene.ask("S", request), bad, JSON.stringify(request));
  for (const request of [
    { seq: 1 },
    { batch: 1 },
    { last_by_subj: "b" },
    { multi_last: ["b"] },
    { up_to_seq: 1 },
  ])
    assert.deepEqual(await scene.ask("S.b", request), bad, JSON.stringify(request));
  assert.deepEqual(await scene.ask("S", { seq: 1 }, "NATS/1.0\r\n\r\n"), status("412 Required Api Level"));
});

test("streams that are not there or do not allow it are nobody", async () => {
  const scene = fourMessages();
  for (const rest of ["nope", "closed", "closed.b"]) {
    const [answer, ...others] = await scene.ask(rest, { seq: 1 });
    assert.match(answer.headers, /^NATS\/1\.0 503\r\n/);
    assert.equal(others.length, 0);
  }
});

test("a batch says what is left, and where it ends", async () => {
  const scene = fourMessages();
  const first = { headers: placed(1, "a.1", counted(3, 0)), payload: "one" };
  const second = { headers: placed(2, "a.2", counted(2, 1), "X: y\r\n"), payload: "two" };
  assert.deepEqual(await scene.ask("S", { seq: 1, batch: 2 }), [first, second, end(2, 2)]);
  assert.deepEqual(await scene.ask("S", { seq: 1, batch: 10 }), [
    first,
    second,
    { headers: placed(3, "a.1", counted(1, 2)), payload: "three" },
    { headers: placed(4, "b", counted(0, 3)), payload: "" },
    end(0, 4),
  ]);
  assert.deepEqual(await scene.ask("S", { next_by_subj: "a.1", batch: 1 }), [
    { headers: placed(1, "a.1", counted(1, 0)), payload: "one" },
    end(1, 1),
  ]);
  assert.deepEqual(await scene.ask("S", { seq: 1, batch: 10, max_bytes: 4 }), [first, end(3, 1)]);
  assert.deepEqual(await scene.ask("S", { seq: 1, batch: 2, no_hdr: true }), [
    { headers: "", payload: "one" },
    { headers: "", payload: "two" },
    end(2, 2),
  ]);
  assert.deepEqual(await scene.ask("S", { seq: 1, batch: -1 }), [end(4, 0)]);
  const timed = await scene.ask("S", { start_time: "2024-01-01T00:00:00.5Z", batch: 1 });
  assert.deepEqual(timed, [{ ...second, headers: placed(2, "a.2", counted(2, 0), "X: y\r\n") }, end(2, 2)]);
});

test("the last messages of several subjects come in their order", async () => {
  const scene = fourMessages();
  const last = (seq: number, pending: number, before: number): Answer => {
    const { payload } = [FIRST, SECOND, THIRD, FOURTH][seq - 1];
    const subject = ["a.1", "a.2", "a.1", "b"][seq - 1];
    return { headers: placed(seq, subject, counted(pending, before), seq === 2 ? "X: y\r\n" : ""), payload };
  };
  const cases: readonly [object, Answer[]][] = [
    [{ multi_last: ["a.*"] }, [last(2, 1, 0), last(3, 0, 2), end(0, 3, 4)]],
    [
      { multi_last: ["a.1", "a.*", "b", "a..b"] },
      [last(2, 2, 0), last(3, 1, 2), last(4, 0, 3), end(0, 4, 4)],
    ],
    [{ multi_last: [">"], up_to_seq: 2 }, [last(1, 1, 0), last(2, 0, 1), end(0, 2, 2)]],
    [{ multi_last: [">"], batch: 1 }, [last(2, 2, 0), end(2, 2, 4)]],
    [{ multi_last: [">"], batch: 5, seq: 3 }, [last(3, 1, 0), last(4, 0, 3), end(0, 4, 4)]],
    [{ multi_last: [">"], max_bytes: 1 }, [last(2, 2, 0), end(2, 2, 4)]],
    [
      { multi_last: [">"], up_to_time: "2024-01-01T00:00:01.5Z" },
      [last(1, 1, 0), last(2, 0, 1), end(0, 2, 2)],
    ],
    [
      { multi_last: [">"], up_to_time: "2090-01-01T00:00:00Z", seq: 4, no_hdr: true },
      [last(4, 0, 0), end(0, 4, 4)],
    ],
    [{ multi_last: [">"], up_to_time: "2020-01-01T00:00:00Z" }, status("404 No Results")],
    [{ multi_last: ["q", ""] }, status("404 No Results")],
  ];
  for (const [request, answers] of cases)
    assert.deepEqual(await scene.ask("S", request), answers, JSON.stringify(request));
});

test("too many subjects are refused, as many as may be are not", async () => {
  const scene = new Scene();
  for (let i = 0; i < 1_024; i++) scene.put(`k.${i}`, "");
  const all = await scene.ask("S", { multi_last: ["k.*"] });
  assert.equal(all.length, 1_025);
  assert.deepEqual(all.at(-1), end(0, 1_024, 1_024));
  scene.put("k.more", "");
  assert.deepEqual(await scene.ask("S", { multi_last: ["k.*"] }), status("413 Too Many Results"));
});

test("large batches share the turns, and see what comes meanwhile", async () => {
  const scene = new Scene();
  for (let i = 0; i < 3_000; i++) scene.put("a", "");
  scene.peer.say(`PUB ${PREFIX}S inbox 24\r\n{"seq":1,"batch":100000}\r\n`);
  const first = answersIn(scene.peer.read());
  assert.equal(first.length, 1_024);
  scene.put("a", "");
  scene.store.remove(2_999, false);
  const rest = await scene.ask("S", { seq: 1, batch: 1 });
  const whole = rest.filter(({ headers }) => !headers.includes("Nats-Last-Sequence: 0"));
  assert.equal(whole.filter(({ headers }) => headers.includes("Nats-Sequence")).length, 3_001 - 1_024 - 1);
  assert.ok(whole.some((answer) => answer.headers === end(0, 3_001).headers));
});

test("what came since is counted at the end of a batch", async () => {
  const scene = new Scene();
  for (let i = 0; i < 3_000; i++) scene.put("a", "");
  scene.peer.say(`PUB ${PREFIX}S inbox 22\r\n{"seq":1,"batch":1500}\r\n`);
  assert.equal(answersIn(scene.peer.read()).length, 1_024);
  scene.put("a", "");
  const rest = await scene.ask("nope");
  assert.deepEqual(rest.at(-1), end(1_501, 1_500));
});

test("a batch ends without those who asked, and with its stream", async () => {
  const scene = new Scene();
  for (let i = 0; i < 3_000; i++) scene.put("a", "");
  scene.peer.say(`PUB ${PREFIX}S inbox 24\r\n{"seq":1,"batch":100000}\r\n`);
  assert.equal(answersIn(scene.peer.read()).length, 1_024);
  scene.streams.delete("S");
  assert.deepEqual((await scene.ask("nope")).length, 1, "nothing but that nobody is there");
});

test("what is asked for while a batch waits for its turn does not change where it goes", async () => {
  const scene = new Scene();
  for (let i = 0; i < 3_000; i++) scene.put("a", "");
  scene.peer.say("SUB other 2\r\n");
  scene.peer.say(`PUB ${PREFIX}S inbox 24\r\n{"seq":1,"batch":100000}\r\n`);
  assert.equal(answersIn(scene.peer.read()).length, 1_024);
  scene.peer.say(`PUB ${PREFIX}S other 9\r\n{"seq":7}\r\n`);
  assert.match(scene.peer.read(), /^HMSG other 2 [^]*Nats-Sequence: 7\r\n/);
  assert.equal((await scene.rest()).length, 3_000 - 1_024 + 1, "all with its end, to the first inbox");
});
