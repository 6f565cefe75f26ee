import { createHistogram, performance } from "node:perf_hooks";
import { Connection, type FailureHandler } from "./connection.ts";
import { FrameReader } from "./frames.ts";
import type { RequestPlan, RequestResult } from "./operations.ts";
import { Stopwatch } from "./stopwatch.ts";
import { payloadOf } from "./traffic.ts";

/** Longest a measured phase may take. A healthy one takes seconds. */
const PHASE_DEADLINE_MS = 120_000;

const REQUEST_SUBJECT = "bench.request";
const SID = 1;

/** An inbox is `_INBOX.`, 22 characters of a requester's own, and a number for each request. */
const INBOX_NAME_CHARS = 22;
const REQUEST_NUMBER_DIGITS = 8;
const REQUEST_NUMBERS = 10 ** REQUEST_NUMBER_DIGITS;

/** Echoes the payload of every request to its reply subject, with one write per read. */
function respond(
  connection: Connection,
  replyBytes: number,
  payload: string,
  onFailure: FailureHandler,
): void {
  const head = `MSG ${REQUEST_SUBJECT} ${SID} `;
  const request = `${head}${"r".repeat(replyBytes)} ${payload.length}\r\n${payload}\r\n`;
  const answer = Buffer.from(`PUB ${"r".repeat(replyBytes)} ${payload.length}\r\n${payload}\r\n`, "latin1");
  let answers: Buffer[] = [];
  const frames = new FrameReader(request.length, (frame) => {
    const copy = Buffer.from(answer);
    frame.copy(copy, "PUB ".length, head.length, head.length + replyBytes);
    answers.push(copy);
  });
  connection.listen((bytes) => {
    frames.push(bytes);
    if (answers.length > 0)
      connection.socket.write(answers.length === 1 ? answers[0] : Buffer.concat(answers));
    answers = [];
  }, onFailure);
}

/** Who asks again as soon as the answer has come; one request is outstanding at a time. */
class Requester {
  readonly #connection: Connection;
  /** The request as it goes out, but for the number, which is written into it each time. */
  readonly #request: Buffer;
  readonly #expected: Buffer;
  #number = 0;
  #remaining = 0;
  #sentAtMs = 0;
  #onLatency: (milliseconds: number) => void = () => {};
  #onDone: (() => void) | undefined;

  private constructor(connection: Connection, inbox: string, payload: string, onFailure: FailureHandler) {
    this.#connection = connection;
    const reply = `${inbox}${"0".repeat(REQUEST_NUMBER_DIGITS)}`;
    const rest = `${payload.length}\r\n${payload}\r\n`;
    this.#request = Buffer.from(`PUB ${REQUEST_SUBJECT} ${reply} ${rest}`, "latin1");
    this.#expected = Buffer.from(`MSG ${reply} ${SID} ${rest}`, "latin1");
    const frames = new FrameReader(this.#expected.length, (frame) => this.#onReply(frame));
    connection.listen((bytes) => {
      frames.push(bytes);
    }, onFailure);
  }

  /** Connects and subscribes to its inbox, by a wildcard as clients do. */
  static async open(
    port: number,
    index: number,
    payload: string,
    onFailure: FailureHandler,
  ): Promise<Requester> {
    const inbox = `_INBOX.${String(index).padStart(INBOX_NAME_CHARS, "N")}.`;
    const connection = await Connection.open(port);
    await connection.roundTrip(`SUB ${inbox}* ${SID}\r\n`);
    return new Requester(connection, inbox, payload, onFailure);
  }

  /** Makes `count` requests one after the other; `onLatency` hears how long each took. */
  run(count: number, onLatency: (milliseconds: number) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#remaining = count;
      this.#onLatency = onLatency;
      this.#onDone = resolve;
      this.#send();
    });
  }

  #send(): void {
    this.#number = (this.#number + 1) % REQUEST_NUMBERS;
    const digits = String(this.#number).padStart(REQUEST_NUMBER_DIGITS, "0");
    // The previous request has been answered, so its bytes have left and may be overwritten.
    const inboxBytes = "_INBOX.".length + INBOX_NAME_CHARS + ".".length;
    this.#request.write(digits, `PUB ${REQUEST_SUBJECT} `.length + inboxBytes, "latin1");
    this.#expected.write(digits, "MSG ".length + inboxBytes, "latin1");
    this.#sentAtMs = performance.now();
    this.#connection.socket.write(this.#request);
  }

  #onReply(frame: Buffer): void {
    this.#onLatency(performance.now() - this.#sentAtMs);
    if (!frame.equals(this.#expected)) {
      throw new Error(`the answer is ${JSON.stringify(frame.toString("latin1", 0, 120))}`);
    }
    this.#remaining--;
    if (this.#remaining > 0) this.#send();
    else this.#onDone?.();
  }
}

/** A responder and requesters, each on a connection of its own. */
export class RequestLoad {
  readonly #requesters: Requester[] = [];
  readonly #failed = Promise.withResolvers<never>();

  private constructor() {
    // A failure between two phases is reported by the next one.
    this.#failed.promise.catch(() => {});
  }

  /** Opens all connections; the server has taken all subscriptions when this resolves. */
  static async open(plan: RequestPlan): Promise<RequestLoad> {
    const load = new RequestLoad();
    const payload = payloadOf(plan.payloadBytes);
    const replyBytes = "_INBOX.".length + INBOX_NAME_CHARS + ".".length + REQUEST_NUMBER_DIGITS;
    const responder = await Connection.open(plan.port);
    await responder.roundTrip(`SUB ${REQUEST_SUBJECT} ${SID}\r\n`);
    respond(responder, replyBytes, payload, load.#failed.reject);
    for (let i = 0; i < plan.requesters; i++) {
      load.#requesters.push(await Requester.open(plan.port, i, payload, load.#failed.reject));
    }
    return load;
  }

  /** Makes `requests` in all, divided evenly among the requesters. */
  async run(requests: number): Promise<RequestResult> {
    const share = requests / this.#requesters.length;
    if (!Number.isInteger(share)) throw new RangeError("requests must divide evenly among requesters");
    const latencies = createHistogram();
    const onLatency = (milliseconds: number) => latencies.record(Math.max(1, Math.round(milliseconds * 1e6)));
    const deadline = setTimeout(() => {
      this.#failed.reject(new Error(`answers missing after ${PHASE_DEADLINE_MS} ms`));
    }, PHASE_DEADLINE_MS);
    try {
      const stopwatch = new Stopwatch();
      const answered = Promise.all(this.#requesters.map((requester) => requester.run(share, onLatency)));
      await Promise.race([answered, this.#failed.promise]);
      return {
        ...stopwatch.read(),
        latencyP50Micros: latencies.percentile(50) / 1000,
        latencyP99Micros: latencies.percentile(99) / 1000,
      };
    } finally {
      clearTimeout(deadline);
    }
  }
}
