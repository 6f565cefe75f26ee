/** Decisions kept at most. Fifty thousand subjects in rotation fit; a full cache is dropped whole. */
const DECISIONS_MAX = 65_536;

/** Slots of an empty cache and of the largest; powers of two, at most half of them taken. */
const SLOTS_INITIAL = 64;
const SLOTS_MAX = 2 * DECISIONS_MAX;

/** What the subjects of all kept decisions may take together: 64 bytes each. */
const KEY_BYTES_MAX = 64 * DECISIONS_MAX;
const KEY_BYTES_INITIAL = 1_024;

/** A longer subject is not kept: deciding costs no more than a few times as much as reading it. */
const KEY_LENGTH_MAX = 1_024;

/**
 * Slots looked at for one subject. Peers choose subjects, also such that all begin at one slot; then they
 * push each other out, and nobody's search takes longer. By chance alone no subject ever needs so many.
 */
const PROBES_MAX = 16;

/** Numbers per slot: hash, where the subject begins in the keys, its length and the decision, owner. */
const STRIDE_BITS = 2;
const STRIDE = 1 << STRIDE_BITS;
const KEY = 1;
const LENGTH_AND_DECISION = 2;
const OWNER = 3;

/** Whose decisions are not kept. Free slots have it as well. */
export const NO_OWNER = 0;

/** Numbers that fit in a slot. */
const OWNERS_MAX = 2 ** 31 - 1;

const MULTIPLIER = 0x9e3779b1 | 0;

/**
 * Decisions by subject and by owner, who is whoever asks one kind of question. A subject is compared byte by
 * byte, so that a decision is never another one's. Numbers and bytes only: neither finding
 * nor keeping a decision makes an object.
 */
export class DecisionCache {
  #slots = new Int32Array(SLOTS_INITIAL * STRIDE);
  #keys = new Uint8Array(KEY_BYTES_INITIAL);
  #keyBytes = 0;
  #size = 0;
  #owners = 0;

  /** Decisions that are kept. */
  get size(): number {
    return this.#size;
  }

  /** A number for a new kind of question, never one that was given before; when all are gone, `NO_OWNER`. */
  newOwner(): number {
    if (this.#owners >= OWNERS_MAX) return NO_OWNER;
    this.#owners++;
    return this.#owners;
  }

  /** What was decided for `owner` about `buf[start, end)`, or null. */
  find(owner: number, buf: Uint8Array, start: number, end: number): boolean | null {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const hash = hashOf(owner, buf, start, end);
    const keyLength = end - start;
    let at = (hash << STRIDE_BITS) & mask;
    for (let probe = 1; probe <= PROBES_MAX; probe++) {
      const found = slots[at + OWNER];
      if (found === NO_OWNER) return null;
      if (found === owner && slots[at] === hash) {
        const packed = slots[at + LENGTH_AND_DECISION];
        if (packed >>> 1 === keyLength && this.#isKey(slots[at + KEY], buf, start, end)) {
          return (packed & 1) === 1;
        }
      }
      at = (at + probe * STRIDE) & mask;
    }
    return null;
  }

  /** Keeps a decision that `find` did not find, unless the subject is too long. */
  keep(owner: number, buf: Uint8Array, start: number, end: number, allowed: boolean): void {
    const length = end - start;
    if (length > KEY_LENGTH_MAX || owner === NO_OWNER) return;
    if (this.#size >= DECISIONS_MAX || this.#keyBytes + length > KEY_BYTES_MAX) this.clear();
    this.#makeRoom(length);
    const hash = hashOf(owner, buf, start, end);
    if (place(this.#slots, hash, this.#keyBytes, (length << 1) | (allowed ? 1 : 0), owner)) this.#size++;
    for (let i = start; i < end; i++) this.#keys[this.#keyBytes++] = buf[i];
  }

  /** Forgets all decisions. */
  clear(): void {
    this.#slots.fill(0);
    this.#keyBytes = 0;
    this.#size = 0;
  }

  #isKey(key: number, buf: Uint8Array, start: number, end: number): boolean {
    const keys = this.#keys;
    for (let i = start; i < end; i++, key++) if (buf[i] !== keys[key]) return false;
    return true;
  }

  #makeRoom(length: number): void {
    if (this.#keyBytes + length > this.#keys.length) {
      const grown = new Uint8Array(Math.min(2 * (this.#keys.length + length), KEY_BYTES_MAX));
      grown.set(this.#keys);
      this.#keys = grown;
    }
    if (2 * (this.#size + 1) * STRIDE <= this.#slots.length || this.#slots.length >= SLOTS_MAX * STRIDE)
      return;
    const old = this.#slots;
    this.#slots = new Int32Array(2 * old.length);
    this.#size = 0;
    for (let at = 0; at < old.length; at += STRIDE) {
      if (old[at + OWNER] === NO_OWNER) continue;
      const isNew = place(
        this.#slots,
        old[at],
        old[at + KEY],
        old[at + LENGTH_AND_DECISION],
        old[at + OWNER],
      );
      if (isNew) this.#size++;
    }
  }
}

/**
 * Fills a free slot among those of this hash, or else the first of them; tells whether it was a free one.
 * Steps grow, so that subjects with neighbouring hashes do not queue up behind each other.
 */
function place(slots: Int32Array, hash: number, key: number, packed: number, owner: number): boolean {
  const mask = slots.length - 1;
  const home = (hash << STRIDE_BITS) & mask;
  let at = home;
  for (let probe = 1; probe < PROBES_MAX && slots[at + OWNER] !== NO_OWNER; probe++) {
    at = (at + probe * STRIDE) & mask;
  }
  const isFree = slots[at + OWNER] === NO_OWNER;
  if (!isFree) at = home;
  slots[at] = hash;
  slots[at + KEY] = key;
  slots[at + LENGTH_AND_DECISION] = packed;
  slots[at + OWNER] = owner;
  return isFree;
}

/** Four bytes a step: this is most of what an answer from the cache costs. */
function hashOf(owner: number, buf: Uint8Array, start: number, end: number): number {
  let hash = Math.imul(owner, MULTIPLIER) ^ (end - start);
  let i = start;
  for (; i + 4 <= end; i += 4) {
    hash = mix(hash, buf[i] | (buf[i + 1] << 8) | (buf[i + 2] << 16) | (buf[i + 3] << 24));
  }
  let rest = 0;
  for (; i < end; i++) rest = (rest << 8) | buf[i];
  // Twice more, since a word's high bytes reach the low bits, which choose the slot, only then.
  return mix(mix(hash, rest), 0);
}

function mix(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, MULTIPLIER);
  return product ^ (product >>> 15);
}
