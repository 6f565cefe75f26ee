/**
 * The header fields that JetStream reads in what is published to a stream. A field is found as the reference finds
 * it: spelled exactly so, at the start of a line, the first one of its name; its value begins behind the spaces that
 * follow the colon and ends before CR LF.
 */
export const PUBLISH_HEADERS = [
  "Nats-Msg-Id",
  "Nats-Expected-Stream",
  "Nats-Expected-Last-Sequence",
  "Nats-Expected-Last-Subject-Sequence",
  "Nats-Expected-Last-Subject-Sequence-Subject",
  "Nats-Expected-Last-Msg-Id",
  "Nats-Rollup",
  "Nats-TTL",
  "Nats-Marker-Reason",
  "Nats-Incr",
  "Nats-Counter-Sources",
  "Nats-Stream-Source",
  "Nats-Batch-Id",
  "Nats-Batch-Sequence",
  "Nats-Batch-Commit",
  "Nats-Schedule",
  "Nats-Schedule-Time-Zone",
  "Nats-Schedule-TTL",
  "Nats-Schedule-Rollup",
  "Nats-Schedule-Target",
  "Nats-Schedule-Source",
  "Nats-Scheduler",
  "Nats-Schedule-Next",
  "Nats-Request-Info",
  "Nats-Trace-Dest",
  "KV-Operation",
] as const;

export type PublishHeader = (typeof PUBLISH_HEADERS)[number];

/** Where each name stands in `PUBLISH_HEADERS`. */
const SLOTS: ReadonlyMap<string, number> = new Map(PUBLISH_HEADERS.map((name, slot) => [name, slot]));

/** The names by their length, which tells most of them apart: a line is compared with three of them at most. */
const SLOTS_BY_LENGTH: readonly (readonly number[])[] = slotsByLength();

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;
const K = 0x4b;
const N = 0x4e;

/** The fields of one header block at a time; filled anew for each. */
export class PublishHeaders {
  /** Whether any of them is there. */
  isAny = false;
  #buf: Buffer = NOTHING;
  /** Value of each slot: where it starts, or -1; and where it ends. */
  readonly #starts = new Int32Array(PUBLISH_HEADERS.length).fill(-1);
  readonly #ends = new Int32Array(PUBLISH_HEADERS.length);
  /** Which slots are set, so that the next block need not go through all of them. */
  readonly #set: number[] = [];

  /** Looks through the block `buf[start, end)`, which has to stay as it is while values are asked for. */
  read(buf: Buffer, start: number, end: number): void {
    this.clear();
    this.#buf = buf;
    for (let line = nextLine(buf, start, end); line >= 0; line = nextLine(buf, line, end)) {
      const first = buf[line];
      if (first === N || first === K) this.#readLine(line, end);
    }
    this.isAny = this.#set.length > 0;
  }

  clear(): void {
    for (const slot of this.#set) this.#starts[slot] = -1;
    this.#set.length = 0;
    this.isAny = false;
  }

  has(name: PublishHeader): boolean {
    return this.#starts[slotOf(name)] >= 0;
  }

  /** The value, a wire string; empty when there is none or it is empty. */
  get(name: PublishHeader): string {
    if (!this.isAny) return "";
    const slot = slotOf(name);
    const start = this.#starts[slot];
    return start < 0 ? "" : this.#buf.latin1Slice(start, this.#ends[slot]);
  }

  /** A value of decimal digits; -1 for anything else that is there, null when there is nothing. */
  number(name: PublishHeader): number | null {
    const text = this.get(name);
    if (text === "") return null;
    return /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : -1;
  }

  #readLine(line: number, end: number): void {
    const buf = this.#buf;
    let colon = line;
    while (colon < end && buf[colon] !== COLON && buf[colon] !== CR) colon++;
    if (colon >= end || buf[colon] !== COLON) return;
    const slot = slotAt(buf, line, colon - line);
    if (slot < 0 || this.#starts[slot] >= 0) return;
    let start = colon + 1;
    while (start < end && buf[start] === SPACE) start++;
    let stop = start;
    while (stop < end && !(buf[stop] === CR && stop + 1 < end && buf[stop + 1] === LF)) stop++;
    this.#starts[slot] = start;
    this.#ends[slot] = stop;
    this.#set.push(slot);
  }
}

const NOTHING = Buffer.alloc(0);

/** Where the line after `from` begins; -1: there is none. */
function nextLine(buf: Buffer, from: number, end: number): number {
  for (let i = from; i + 2 < end; i++) if (buf[i] === CR && buf[i + 1] === LF) return i + 2;
  return -1;
}

/** The name that `buf[start, start + length)` is; -1: none of them. */
function slotAt(buf: Buffer, start: number, length: number): number {
  const slots = length < SLOTS_BY_LENGTH.length ? SLOTS_BY_LENGTH[length] : [];
  for (const slot of slots) if (isAt(PUBLISH_HEADERS[slot], buf, start)) return slot;
  return -1;
}

function isAt(name: string, buf: Buffer, start: number): boolean {
  // From the end, where the names differ.
  for (let i = name.length - 1; i >= 0; i--) if (name.charCodeAt(i) !== buf[start + i]) return false;
  return true;
}

function slotOf(name: PublishHeader): number {
  return SLOTS.get(name) ?? -1;
}

function slotsByLength(): number[][] {
  const longest = Math.max(...PUBLISH_HEADERS.map((name) => name.length));
  const slots: number[][] = Array.from({ length: longest + 1 }, () => []);
  for (const [slot, name] of PUBLISH_HEADERS.entries()) slots[name.length].push(slot);
  return slots;
}
