import type { StoredMessage } from "../store/stored-message.ts";

/** A copy of a message, with headers and payload in `content`. */
export interface KeptMessage {
  readonly seq: number;
  /** Wire string. */
  readonly subject: string;
  readonly timeMs: number;
  readonly timeNs: number;
  readonly headerBytes: number;
  readonly content: Buffer;
}

/** Memory of a kept message besides its subject and content. */
const OVERHEAD_BYTES = 200;

/** Copies of messages that a snapshot still wants and the stream has no more, by sequence. */
export class KeptMessages {
  /** A binary heap. */
  readonly #heap: KeptMessage[] = [];
  #bytes = 0;

  /** Memory that they take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The lowest sequence; Infinity: there are none. */
  get firstSeq(): number {
    return this.#heap.length === 0 ? Infinity : this.#heap[0].seq;
  }

  add({ seq, subject, timeMs, timeNs, buf, headersStart, payloadStart, payloadEnd }: StoredMessage): void {
    const content = Buffer.from(buf.subarray(headersStart, payloadEnd));
    const headerBytes = payloadStart - headersStart;
    const heap = this.#heap;
    const message = { seq, subject, timeMs, timeNs, headerBytes, content };
    this.#bytes += sizeOf(message);
    let at = heap.length;
    heap.push(message);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent].seq <= seq) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = message;
  }

  /** The one with the lowest sequence; it is forgotten here. There is one. */
  takeFirst(): KeptMessage {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    this.#bytes -= sizeOf(first);
    if (last === undefined || last === first) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1].seq < heap[child].seq) child++;
      if (heap[child].seq >= last.seq) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function sizeOf({ subject, content }: KeptMessage): number {
  return OVERHEAD_BYTES + subject.length + content.length;
}
