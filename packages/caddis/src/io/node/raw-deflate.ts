import {
  constants,
  createDeflateRaw,
  createInflateRaw,
  deflateRawSync,
  type DeflateRaw,
  type InflateRaw,
  inflateRawSync,
} from "node:zlib";

/** Room for what comes out in one step of deflating. */
const STEP_BYTES = 64 * 1024;

/** What a message that is flushed ends with; it is left out of it, and put back. RFC 7692, 7.2.1 and 7.2.2. */
const FLUSH_TAIL = Buffer.from([0, 0, 0xff, 0xff]);

const FLUSH = { finishFlush: constants.Z_SYNC_FLUSH };
/** As the reference compresses, too. */
const LEVEL = constants.Z_BEST_SPEED;

/** How inflating a message ended. */
export type InflateEnd = "whole" | "too big" | "corrupt";

/**
 * What streams of `node:zlib` work with. Their own ways leave each piece to a thread, which takes longer than the work
 * at the sizes of messages, and the functions that do without one make a context of a quarter of a megabyte each
 * time. A Node that has it no more costs speed, and nothing else.
 */
interface Engine {
  /** Works until the input is used up or there is no more room. */
  writeSync(
    flush: number,
    input: Buffer,
    start: number,
    length: number,
    output: Buffer,
    at: number,
    room: number,
  ): void;
}

/** One step's room and input that are left over. */
type Leftovers = Readonly<Record<0 | 1, number>>;

/** Compresses messages of any number of connections, each for itself. */
export class RawDeflater {
  readonly #output = Buffer.allocUnsafeSlow(STEP_BYTES);
  #stream: DeflateRaw | null = null;

  /** `data` compressed, without the tail; a new buffer. */
  deflate(data: Buffer): Buffer {
    this.#stream ??= createDeflateRaw({ level: LEVEL });
    const stream = this.#stream;
    const engine = engineOf(stream);
    if (engine === null)
      return deflateRawSync(data, { ...FLUSH, level: LEVEL }).subarray(0, -FLUSH_TAIL.length);
    const pieces: Buffer[] = [];
    work(stream, engine, data, this.#output, (length) => {
      pieces.push(Buffer.from(this.#output.subarray(0, length)));
      return true;
    });
    stream.reset();
    const whole = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
    return whole.subarray(0, -FLUSH_TAIL.length);
  }
}

/** Inflates messages of any number of connections, each for itself. */
export class RawInflater {
  #stream: InflateRaw | null = null;

  /**
   * Inflates `message`, which came without the tail, piece by piece into `output`; `onPiece` gets how many bytes
   * lie there. Stops when it is more than `bytesMax` together.
   */
  inflate(message: Buffer, bytesMax: number, output: Buffer, onPiece: (length: number) => void): InflateEnd {
    this.#stream ??= openInflate();
    const stream = this.#stream;
    const engine = engineOf(stream);
    if (engine === null) return inflateAtOnce(message, bytesMax, output, onPiece);
    const data = Buffer.concat([message, FLUSH_TAIL]);
    // Not more work than it takes to see that it is too much.
    const room = output.subarray(0, bytesMax + 1);
    let total = 0;
    const isSound = work(stream, engine, data, room, (length) => {
      total += length;
      if (total <= bytesMax) onPiece(length);
      return total <= bytesMax;
    });
    // zlib says no more to a stream that it found wrong.
    if (isSound) stream.reset();
    else this.#stream = null;
    return !isSound ? "corrupt" : total > bytesMax ? "too big" : "whole";
  }
}

function openInflate(): InflateRaw {
  const stream = createInflateRaw();
  // That something is wrong is seen at once, and said by the stream a turn later.
  stream.on("error", () => undefined);
  return stream;
}

/** Runs `data` through `stream`; `onOutput` says whether to go on. False: zlib found it wrong. */
function work(
  stream: DeflateRaw | InflateRaw,
  engine: Engine,
  data: Buffer,
  output: Buffer,
  onOutput: (length: number) => boolean,
): boolean {
  const leftovers = Reflect.get(stream, LEFTOVERS) as Leftovers;
  let start = 0;
  for (let isFull = true; isFull;) {
    engine.writeSync(constants.Z_SYNC_FLUSH, data, start, data.length - start, output, 0, output.length);
    if (stream.destroyed) return false;
    const [room, unread] = [leftovers[0], leftovers[1]];
    start = data.length - unread;
    isFull = room === 0;
    if (room < output.length && !onOutput(output.length - room)) return true;
  }
  return true;
}

/** Names of Node's own. */
const ENGINE = "_handle";
const LEFTOVERS = "_writeState";

function engineOf(stream: DeflateRaw | InflateRaw): Engine | null {
  const engine: unknown = Reflect.get(stream, ENGINE);
  const leftovers: unknown = Reflect.get(stream, LEFTOVERS);
  return isEngine(engine) && leftovers instanceof Uint32Array ? engine : null;
}

function isEngine(value: unknown): value is Engine {
  return (
    typeof value === "object" &&
    value !== null &&
    "writeSync" in value &&
    typeof value.writeSync === "function"
  );
}

/** As `RawDeflater`, where Node does not let us. */
export function deflateAtOnce(data: Buffer): Buffer {
  return deflateRawSync(data, { ...FLUSH, level: LEVEL }).subarray(0, -FLUSH_TAIL.length);
}

/** As `RawInflater`, where Node does not let us. */
export function inflateAtOnce(
  message: Buffer,
  bytesMax: number,
  output: Buffer,
  onPiece: (length: number) => void,
): InflateEnd {
  let whole: Buffer;
  try {
    const data = Buffer.concat([message, FLUSH_TAIL]);
    whole = inflateRawSync(data, { ...FLUSH, maxOutputLength: bytesMax });
  } catch (error) {
    return error instanceof RangeError ? "too big" : "corrupt";
  }
  for (let start = 0; start < whole.length; start += output.length) {
    onPiece(whole.copy(output, 0, start, start + output.length));
  }
  return "whole";
}
