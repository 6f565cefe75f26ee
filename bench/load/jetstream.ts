import { createHistogram, performance } from "node:perf_hooks";
import { Connection } from "./connection.ts";
import { MessageReader, replyOf, type MessageRange } from "./message-reader.ts";
import type { ApiCall, ConsumePlan, RequestResult, Span, WatchPlan, WindowPlan } from "./operations.ts";
import { Stopwatch } from "./stopwatch.ts";
import { payloadOf } from "./traffic.ts";

/** Longest a measured phase may take. A healthy one takes seconds. */
const PHASE_DEADLINE_MS = 300_000;
const INBOX = "_INBOX.BBBBBBBBBBBBBBBBBBBBBB";
const SID = 1;
const FIRST_WATCH_SID = 2;
const LETTER_H = 0x48;
/** `{"error"…` differs from `{"stream"…` in its third character. */
const ERROR_LETTER = "e".charCodeAt(0);
const NUMBER_DIGITS = 9;
/** Operations are put together up to this size before they are written. */
const WRITE_BYTES = 64 * 1024;

/** What is waited for: resolves, or rejects when something fails or takes too long. */
class Phase {
  readonly stopwatch = new Stopwatch();
  readonly #end = Promise.withResolvers<void>();
  readonly #deadline = setTimeout(
    () => this.fail(new Error(`not done after ${PHASE_DEADLINE_MS} ms`)),
    PHASE_DEADLINE_MS,
  );

  done(): void {
    this.#end.resolve();
  }

  fail(error: unknown): void {
    this.#end.reject(error instanceof Error ? error : new Error(String(error)));
  }

  async measured(): Promise<Span> {
    try {
      await this.#end.promise;
      return this.stopwatch.read();
    } finally {
      clearTimeout(this.#deadline);
    }
  }
}

/** A client of JetStream on one connection, as cheap as can be: it counts and checks, and makes nothing of answers. */
export class JetStreamLoad {
  readonly #connection: Connection;
  #onMessage: (message: MessageRange) => void = () => {};
  #phase = new Phase();
  #nextNumber = 0;
  #nextWatchSid = FIRST_WATCH_SID;

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.#phase.done();
  }

  static async open(port: number): Promise<JetStreamLoad> {
    const connection = await Connection.open(port);
    await connection.roundTrip(`SUB ${INBOX}.* ${SID}\r\n`);
    const load = new JetStreamLoad(connection);
    const reader = new MessageReader((message) => load.#onMessage(message));
    connection.listen(
      (bytes) => {
        reader.push(bytes);
        load.#flush();
      },
      (error) => load.#phase.fail(error),
    );
    return load;
  }

  /** Makes requests one after the other and resolves with the last answer's text; an error answer rejects. */
  async api(calls: readonly ApiCall[]): Promise<string> {
    let text = "";
    for (const { subject, payload } of calls) {
      text = await this.#ask(subject, payload);
      if (text.includes('"error"')) throw new Error(`${subject}: ${text}`);
    }
    return text;
  }

  async #ask(subject: string, payload: string): Promise<string> {
    const phase = this.#begin();
    let text = "";
    this.#onMessage = ({ bytes, bodyStart, bodyEnd }) => {
      text = bytes.toString("latin1", bodyStart, bodyEnd);
      phase.done();
    };
    this.#write(`PUB ${subject} ${INBOX}.api ${payload.length}\r\n${payload}\r\n`);
    this.#flush();
    await phase.measured();
    return text;
  }

  /**
   * Publishes, or requests, with so many outstanding; resolves when all are answered. Subjects are numbered if asked
   * for. An answer that is an error rejects.
   */
  async run({
    subject,
    numbered,
    distinct,
    payloadBytes,
    window,
    count,
    inOrder,
  }: WindowPlan): Promise<RequestResult> {
    const phase = this.#begin();
    const payload = payloadOf(payloadBytes);
    const rest = ` ${payload.length}\r\n${payload}\r\n`;
    const latencies = createHistogram();
    let sent = 0;
    let answered = 0;
    let sentAtMs = 0;
    const send = (): void => {
      const number = this.#nextNumber++;
      const target = numbered ? subject + String(number % distinct).padStart(NUMBER_DIGITS, "0") : subject;
      this.#write(`PUB ${target} ${INBOX}.${number}${rest}`);
      sent++;
      if (window === 1) sentAtMs = performance.now();
    };
    this.#onMessage = (message) => {
      const { bytes, bodyStart, bodyEnd } = message;
      if (bytes[bodyStart + 2] === ERROR_LETTER || isStatus(message)) {
        throw new Error(`the answer is ${bytes.toString("latin1", bodyStart, bodyEnd)}`);
      }
      if (window === 1) latencies.record(Math.max(1, Math.round((performance.now() - sentAtMs) * 1e6)));
      if (inOrder) checkOrder(message, this.#nextNumber - (sent - answered));
      answered++;
      if (sent < count) send();
      if (answered === count) phase.done();
    };
    while (sent < Math.min(window, count)) send();
    this.#flush();
    const span = await phase.measured();
    if (window > 1) return { ...span, latencyP50Micros: Number.NaN, latencyP99Micros: Number.NaN };
    return {
      ...span,
      latencyP50Micros: latencies.percentile(50) / 1000,
      latencyP99Micros: latencies.percentile(99) / 1000,
    };
  }

  /** Fetches that many messages by pull requests of `batch`, two outstanding, and acknowledges each if asked for. */
  async consume({ stream, consumer, batch, count, acknowledge }: ConsumePlan): Promise<Span> {
    const phase = this.#begin();
    let asked = 0;
    let received = 0;
    const ask = (): void => {
      const size = Math.min(batch, count - asked);
      if (size <= 0) return;
      asked += size;
      const body = JSON.stringify({ batch: size, expires: 60_000_000_000 });
      const next = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
      this.#write(`PUB ${next} ${INBOX}.m ${body.length}\r\n${body}\r\n`);
    };
    this.#onMessage = (message) => {
      if (isStatus(message)) {
        throw new Error(`status ${message.bytes.toString("latin1", message.bodyStart, message.bodyEnd)}`);
      }
      received++;
      if (acknowledge) this.#write(`PUB ${replyOf(message)} 4\r\n+ACK\r\n`);
      if (asked - received === batch) ask();
      if (received === count) phase.done();
    };
    ask();
    ask();
    this.#flush();
    return phase.measured();
  }

  /** Subscribes, makes a push consumer that delivers there, and resolves when so many messages have come. */
  async watch({ create, count }: WatchPlan): Promise<Span> {
    const phase = this.#begin();
    let received = 0;
    const sid = this.#nextWatchSid++;
    // The reference takes a push consumer for bound only by a subscription to this very subject.
    const target = `_WATCH.${sid}`;
    this.#write(`SUB ${target} ${sid}\r\n`);
    this.#onMessage = (message) => {
      const line = message.bytes.toString("latin1", message.lineStart, message.lineEnd);
      if (line.split(" ")[1] === `${INBOX}.api`) {
        const text = message.bytes.toString("latin1", message.bodyStart, message.bodyEnd);
        if (text.includes('"error"')) throw new Error(text);
        return;
      }
      received++;
      if (received === count) phase.done();
    };
    const payload = create.payload.replace("{inbox}", target);
    this.#write(`PUB ${create.subject} ${INBOX}.api ${payload.length}\r\n${payload}\r\n`);
    this.#flush();
    const span = await phase.measured();
    this.#write(`UNSUB ${sid}\r\n`);
    this.#flush();
    return span;
  }

  #begin(): Phase {
    this.#phase = new Phase();
    return this.#phase;
  }

  #out: string[] = [];
  #outBytes = 0;

  #write(operation: string): void {
    this.#out.push(operation);
    this.#outBytes += operation.length;
    if (this.#outBytes >= WRITE_BYTES) this.#flush();
  }

  #flush(): void {
    if (this.#outBytes === 0) return;
    this.#connection.socket.write(Buffer.from(this.#out.join(""), "latin1"));
    this.#out = [];
    this.#outBytes = 0;
  }
}

/** Whether it is a status of the server's, which has a number behind its version. */
function isStatus({ bytes, lineStart, bodyStart }: MessageRange): boolean {
  return bytes[lineStart] === LETTER_H && bytes.toString("latin1", bodyStart, bodyStart + 9) === "NATS/1.0 ";
}

/** Acknowledgements come in the order of the messages. */
function checkOrder({ bytes, lineStart }: MessageRange, number: number): void {
  const start = lineStart + "MSG ".length + INBOX.length + 1;
  const expected = `${number} `;
  const came = bytes.toString("latin1", start, start + expected.length);
  if (came !== expected) throw new Error(`expected the answer to ${expected}, got the one to ${came}`);
}
