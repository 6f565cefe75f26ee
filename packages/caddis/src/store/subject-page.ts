/** Bytes per entry: two numbers of eight bytes, nine of four. */
const ENTRY_BYTES = 2 * 8 + 9 * 4;

/** What a `SubjectTable` keeps for some thousand of its ids, off the JavaScript heap: a column per property. 0 stands for none everywhere. */
export class SubjectPage {
  readonly capacity: number;
  readonly #memory: ArrayBuffer;
  /** Sequence of the first message. */
  readonly first: Float64Array;
  readonly last: Float64Array;
  /** How many messages. 0: the entry is only the beginning of subjects. */
  readonly count: Uint32Array;
  /** FNV-1a of the bytes, not folded: the hash of a longer subject goes on from it. */
  readonly hash: Int32Array;
  /** Address of the bytes in the arena. */
  readonly address: Uint32Array;
  readonly length: Uint32Array;
  /** The next id of the same bucket, or the next free id. */
  readonly next: Uint32Array;
  /** The entry without its last token. */
  readonly parent: Uint32Array;
  readonly firstChild: Uint32Array;
  readonly nextSibling: Uint32Array;
  readonly previousSibling: Uint32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    const memory = new ArrayBuffer(capacity * ENTRY_BYTES);
    this.#memory = memory;
    this.first = new Float64Array(memory, 0, capacity);
    this.last = new Float64Array(memory, capacity * 8, capacity);
    const at = (column: number): number => capacity * (16 + 4 * column);
    this.count = new Uint32Array(memory, at(0), capacity);
    this.hash = new Int32Array(memory, at(1), capacity);
    this.address = new Uint32Array(memory, at(2), capacity);
    this.length = new Uint32Array(memory, at(3), capacity);
    this.next = new Uint32Array(memory, at(4), capacity);
    this.parent = new Uint32Array(memory, at(5), capacity);
    this.firstChild = new Uint32Array(memory, at(6), capacity);
    this.nextSibling = new Uint32Array(memory, at(7), capacity);
    this.previousSibling = new Uint32Array(memory, at(8), capacity);
  }

  get usedBytes(): number {
    return this.#memory.byteLength;
  }

  /** The same entries with room for `capacity`. */
  grown(capacity: number): SubjectPage {
    const page = new SubjectPage(capacity);
    page.first.set(this.first);
    page.last.set(this.last);
    page.count.set(this.count);
    page.hash.set(this.hash);
    page.address.set(this.address);
    page.length.set(this.length);
    page.next.set(this.next);
    page.parent.set(this.parent);
    page.firstChild.set(this.firstChild);
    page.nextSibling.set(this.nextSibling);
    page.previousSibling.set(this.previousSibling);
    return page;
  }
}
