import { isRefusal } from "./refusal.ts";
import { assert } from "../../base/assert.ts";
import type { Instant } from "../../base/instant.ts";
import type { Disk } from "../../io/disk.ts";
import { Expiries } from "../expiries.ts";
import { SubjectTable } from "../subject-table.ts";
import type { Block } from "./block.ts";
import type { BlockCache } from "./block-cache.ts";
import { BlockIndex } from "./block-index.ts";
import { BlockList } from "./block-list.ts";
import { scanBlock } from "./block-scan.ts";
import { viewOf } from "./checksum.ts";
import { FileState } from "./file-state.ts";
import { aligned, KIND_MESSAGE } from "./format.ts";
import { readBlock } from "./frames.ts";
import { LiveBits } from "./live-set.ts";
import { LostMessages } from "./lost-messages.ts";
import type { RecordReader } from "./record-reader.ts";
import { countedBytes, MessageRecord, type NewMessage } from "./records.ts";

/**
 * What a file store knows of its messages: where they lie, by which subjects, which are due when, and the figures. It
 * is changed by what happens, and by what the log says happened; nothing here writes.
 */
export class StoreData {
  readonly #disk: Disk;
  readonly cache: BlockCache;
  readonly #reader: RecordReader;
  readonly #report: (damage: string) => void;
  readonly blocks = new BlockList();
  readonly table: SubjectTable;
  readonly lost = new LostMessages();
  readonly state: FileState;
  /** Messages that are there and whose due time was taken back. */
  readonly kept = new Set<number>();
  readonly expiries: Expiries;
  readonly record = new MessageRecord();
  /** Bytes of live records. */
  liveBytes = 0;
  /** Bytes of files, but for what was written since they were opened. */
  fileBytes = 0;
  /** Of these, what compression saves. */
  savedBytes = 0;
  #isCounting = false;
  /** Whether a message that is not in its file any more was removed; a start sets it, which learns that from the log. */
  isErased: (seq: number) => boolean = () => false;
  /** The block that goes on growing: its index stays. */
  openBlock: Block | null = null;

  constructor(
    disk: Disk,
    cache: BlockCache,
    reader: RecordReader,
    hashBasis: number,
    report: (damage: string) => void,
  ) {
    this.#disk = disk;
    this.cache = cache;
    this.#reader = reader;
    this.#report = report;
    this.table = new SubjectTable(hashBasis);
    this.state = new FileState((seq) => this.timeOf(seq));
    this.expiries = new Expiries((seq) => this.blocks.holder(seq) !== null && !this.kept.has(seq));
  }

  /** Puts a compacted block in the place of those that it was made of; what they have lost meanwhile it loses too. */
  replaceBlocks(place: number, old: readonly Block[], made: Block, index: BlockIndex): void {
    const { live } = made;
    for (let at = 0; at < index.count; at++) {
      const rel = index.relAt(at);
      const seq = made.firstSeq + rel;
      if (this.blocks.holder(seq) === null) live.remove(rel);
      else {
        made.liveBytes += aligned(index.lengthAt(at));
        // Its due time is not in the copy any more.
        if (!index.expiresAt(at)) this.kept.delete(seq);
      }
    }
    for (const block of old) {
      this.liveBytes -= block.liveBytes;
      this.noteFile(block, -1);
      block.release(this.cache);
    }
    this.liveBytes += made.liveBytes;
    this.noteFile(made, 1);
    this.blocks.replace(place, old.length, [made]);
    this.keepIndex(made, index);
  }

  /** Counts a file that is there, or (-1) is no longer. */
  noteFile(block: Block, count: 1 | -1): void {
    this.fileBytes += count * block.end;
    this.savedBytes += count * block.savedBytes;
  }

  /** Lets go of the first blocks, which hold nothing. */
  dropFirst(count: number): Block[] {
    const gone: Block[] = [];
    for (let place = 0; place < count; place++) {
      const block = this.blocks.at(place);
      this.noteFile(block, -1);
      block.release(this.cache);
      gone.push(block);
    }
    this.blocks.replace(0, count, []);
    return gone;
  }

  /** Takes in a block that is new, or was found. */
  addBlock(block: Block): void {
    this.blocks.add(block);
  }

  /** A block begins that messages are added to. */
  openNext(block: Block): void {
    this.openBlock = block;
    this.addBlock(block);
    this.#keepIndex(block, new BlockIndex());
  }

  /** Adds a message behind all others; its record of `length` bytes lies at `offset`. */
  add(block: Block, message: NewMessage, offset: number, length: number): void {
    const { seq, expiresMs } = message;
    const id = this.table.intern(message.subject);
    this.table.addTo(id, seq);
    const index = this.indexOf(block);
    const { bytes } = index;
    const hasHeaders = message.payloadStart > message.headersStart;
    index.add(seq - block.firstSeq, offset, length, id, hasHeaders, expiresMs !== 0);
    if (index.bytes !== bytes && block.indexEntry !== null) this.cache.resize(block.indexEntry, index.bytes);
    if (expiresMs !== 0) this.expiries.add(expiresMs, seq);
    assert(block.live instanceof LiveBits, "messages are added to blocks that are not compacted");
    block.live.add(seq - block.firstSeq);
    this.countLive(block, seq, length, hasHeaders, expiresMs !== 0, message.timeMs, message.timeNs);
    const { state } = this;
    if (state.messages === 1) {
      state.firstSeq = seq;
      state.noteFirstTime(message.timeMs, message.timeNs);
    }
    state.lastSeq = seq;
    state.lastMs = message.timeMs;
    state.lastNs = message.timeNs;
    state.hasLast = true;
    state.subjectCount = this.table.size;
  }

  /** Counts a message that is there. */
  countLive(
    block: Block,
    seq: number,
    length: number,
    hasHeaders: boolean,
    expires: boolean,
    timeMs: number,
    timeNs: number,
  ): void {
    block.liveBytes += aligned(length);
    this.liveBytes += aligned(length);
    block.lastSeq = seq;
    if (hasHeaders) block.headersSeq = seq;
    block.noteTime(timeMs, timeNs);
    this.state.messages++;
    this.state.bytes += countedBytes(length, hasHeaders, expires, block.cipher !== null);
  }

  /** Takes back the due time of a message; false: it has none. */
  keep(seq: number): boolean {
    const block = this.blocks.holder(seq);
    if (block === null || this.kept.has(seq)) return false;
    const index = this.indexOf(block);
    const place = index.placeOf(seq - block.firstSeq);
    if (place < 0 || !index.expiresAt(place)) return false;
    this.kept.add(seq);
    this.expiries.drop();
    return true;
  }

  /** Takes a message away; false: it is not there. The front stays where it is: `advanceFront`. */
  forget(seq: number): boolean {
    const block = this.blocks.holder(seq);
    if (block === null) return false;
    const index = this.indexOf(block);
    // Reading the index may have found it to be lost.
    if (!block.has(seq)) return false;
    const place = index.placeOf(seq - block.firstSeq);
    assert(place >= 0, "a message that is there has its place");
    this.#forgetAt(block, index, place, seq);
    return true;
  }

  /** Takes all messages from `from` to `to` away; returns how many. */
  forgetRange(from: number, to: number): number {
    let count = 0;
    for (let seq = this.blocks.next(from); seq !== 0 && seq <= to; seq = this.blocks.next(seq + 1)) {
      if (this.forget(seq)) count++;
    }
    return count;
  }

  /** Takes all messages away; the sequences go on. */
  forgetAll(): number {
    const count = this.state.messages;
    for (const block of this.blocks) {
      block.live.clear();
      block.liveBytes = 0;
    }
    this.liveBytes = 0;
    this.table.clear();
    this.kept.clear();
    this.expiries.clear();
    this.state.messages = 0;
    this.state.bytes = 0;
    this.state.subjectCount = 0;
    return count;
  }

  /** Finds the first message there is now. */
  advanceFront(): void {
    const { state } = this;
    if (state.messages === 0) state.firstSeq = state.lastSeq === 0 ? state.firstSeq : state.lastSeq + 1;
    else if (this.blocks.holder(state.firstSeq) === null) state.firstSeq = this.blocks.next(state.firstSeq);
    state.lostCount = this.lost.count;
    state.lostBytes = this.lost.bytes;
  }

  /** As `advanceFront`, after messages were removed: what was lost before those that are left is gone as they are. */
  moveFront(): void {
    this.advanceFront();
    this.lost.moveFront(this.state.firstSeq);
    this.state.lostCount = this.lost.count;
    this.state.lostBytes = this.lost.bytes;
  }

  /** The disk did not give what it has; see `RecordReader`. */
  onRefused: (reason: string) => void = () => {};
  /** Whether it ever did so: then nothing counts as lost for not having been read. */
  isRefused: () => boolean = () => false;

  /** A message can't be read any more. */
  lose(block: Block, seq: number, why: string): void {
    if (this.isRefused()) return;
    const index = this.indexOf(block);
    const place = index.placeOf(seq - block.firstSeq);
    if (place < 0 || !block.has(seq)) return;
    const bytes = this.#countedAt(block, index, place);
    this.#report(
      `message ${seq} is lost: ${why} in ${block.path} at ${index.offsets[place]} (${index.lengthAt(place)} bytes)`,
    );
    this.#forgetAt(block, index, place, seq);
    this.noteLost(seq, seq, 1, bytes);
  }

  noteLost(from: number, to: number, count: number, bytes: number): void {
    this.lost.add({ from, to, count, bytes });
    this.advanceFront();
  }

  /** Reads the message at a place of a block's index into `record`; false: it is damaged. */
  readAt(block: Block, index: BlockIndex, place: number, withBody: boolean): boolean {
    const offset = index.offsets[place];
    const reader = this.#reader;
    if (!reader.bring(block, offset, index.lengthAt(place))) return false;
    if (reader.buf[reader.at + 12] !== KIND_MESSAGE) return false;
    const isRead = this.record.read(reader.buf, reader.view, reader.at, offset, block.cipher, withBody);
    return isRead && this.record.rel === index.relAt(place);
  }

  /** The time of a message that is there; null: it can't be read. */
  timeOf(seq: number): Instant | null {
    const block = this.blocks.holder(seq);
    if (block === null) return null;
    const index = this.indexOf(block);
    const place = index.placeOf(seq - block.firstSeq);
    if (place < 0 || !this.readAt(block, index, place, false)) return null;
    return { ms: this.record.timeMs, ns: this.record.timeNs };
  }

  /** The id of the subject of a message; 0: it is not there. */
  subjectAt(seq: number): number {
    const block = this.blocks.holder(seq);
    if (block === null) return 0;
    const index = this.indexOf(block);
    const place = index.placeOf(seq - block.firstSeq);
    return place < 0 ? 0 : index.subjects[place];
  }

  /** The index of a block, read from its file where it is not in memory. */
  indexOf(block: Block): BlockIndex {
    if (block.indexEntry !== null) block.indexEntry.isUsed = true;
    return block.index ?? this.#readIndex(block);
  }

  /** Replaces a block's index by one that was made elsewhere. */
  keepIndex(block: Block, index: BlockIndex): void {
    if (block.indexEntry !== null) this.cache.drop(block.indexEntry);
    this.#keepIndex(block, index);
  }

  #keepIndex(block: Block, index: BlockIndex): void {
    block.keepIndex(index, this.cache, () => block === this.openBlock || block.writtenEnd < block.end);
  }

  #readIndex(block: Block): BlockIndex {
    const buf = Buffer.allocUnsafeSlow(block.end);
    const length = this.#readFile(block, buf);
    const view = viewOf(buf);
    const index = new BlockIndex();
    const { record } = this;
    let live = 0;
    const scan = scanBlock(buf, length, 0, block.seed, (kind, offset, size) => {
      if (kind !== KIND_MESSAGE) return;
      const rel = view.getUint32(offset + 16, true);
      const isLive = block.live.has(rel);
      if (!record.read(buf, view, offset, offset, block.cipher, isLive)) return;
      const id = isLive ? this.table.idOf(record.subject) : 0;
      if (isLive) live++;
      index.add(rel, offset, size, id, record.hasHeaders, record.dueMs !== 0);
    });
    this.#keepIndex(block, index);
    if (live === block.live.count) return index;
    this.#loseMissing(block, index, scan.end);
    // Counting gives the subjects other ids, and memory may have become short meanwhile.
    return this.indexOf(block);
  }

  #readFile(block: Block, buf: Buffer): number {
    try {
      return readBlock(this.#disk, block, 0, buf, buf.length);
    } catch (error) {
      if (isRefusal(error)) this.onRefused(error.message);
      this.#report(`${block.path} can't be read: ${error instanceof Error ? error.message : String(error)}`);
      return 0;
    }
  }

  /** The file turned out to have less than it had: what is missing is lost, and by which subjects is counted anew. */
  #loseMissing(block: Block, index: BlockIndex, end: number): void {
    if (this.isRefused()) return;
    let from = 0;
    let to = 0;
    let count = 0;
    for (let rel = block.live.next(0); rel >= 0; rel = block.live.next(rel + 1)) {
      if (index.placeOf(rel) >= 0) continue;
      block.live.remove(rel);
      if (this.isErased(block.firstSeq + rel)) continue;
      if (count++ === 0) from = block.firstSeq + rel;
      to = block.firstSeq + rel;
    }
    if (count === 0) {
      if (!this.#isCounting) this.recount();
      return;
    }
    this.#report(
      `${count} messages between ${from} and ${to} are lost: damage in ${block.path}, readable up to ${end} of ${block.end} bytes`,
    );
    // Else whoever counts at present will not count them.
    const bytesBefore = this.state.bytes;
    if (!this.#isCounting) this.recount();
    this.noteLost(from, to, count, Math.max(0, bytesBefore - this.state.bytes));
  }

  /** Counts messages, bytes and subjects anew, from all blocks. */
  recount(): void {
    const { state, table } = this;
    this.#isCounting = true;
    table.clear();
    state.messages = 0;
    state.bytes = 0;
    this.liveBytes = 0;
    for (const block of this.blocks) this.#countBlock(block);
    state.subjectCount = table.size;
    this.#isCounting = false;
  }

  #countBlock(block: Block): void {
    const { state, table, record } = this;
    const index = this.indexOf(block);
    block.liveBytes = 0;
    for (let place = 0; place < index.count; place++) {
      const rel = index.relAt(place);
      if (!block.live.has(rel)) continue;
      const bytes = this.#countedAt(block, index, place);
      if (!this.readAt(block, index, place, true)) {
        if (this.isRefused()) continue;
        block.live.remove(rel);
        this.lost.add({ from: block.firstSeq + rel, to: block.firstSeq + rel, count: 1, bytes });
        continue;
      }
      const id = table.intern(record.subject);
      table.addTo(id, block.firstSeq + rel);
      index.subjects[place] = id;
      block.liveBytes += aligned(index.lengthAt(place));
      state.bytes += bytes;
      state.messages++;
    }
    this.liveBytes += block.liveBytes;
  }

  #forgetAt(block: Block, index: BlockIndex, place: number, seq: number): void {
    const { state, table } = this;
    const id = index.subjects[place];
    block.live.remove(seq - block.firstSeq);
    block.liveBytes -= aligned(index.lengthAt(place));
    this.liveBytes -= aligned(index.lengthAt(place));
    state.messages--;
    state.bytes -= this.#countedAt(block, index, place);
    if (!table.remove(id)) {
      // Where the next one is found out by who asks for it; but a subject that has one message left, as keys of a bucket
      // mostly have, needs no search for it.
      const isLastOne = table.count(id) === 1;
      if (table.first(id) === seq) {
        const last = table.last(id);
        table.setFirst(id, isLastOne && this.subjectAt(last) === id ? last : seq + 1);
      }
      if (table.last(id) === seq) {
        const first = table.first(id);
        table.setLast(id, isLastOne && this.subjectAt(first) === id ? first : seq - 1);
      }
    }
    state.subjectCount = table.size;
    if (index.expiresAt(place) && !this.kept.delete(seq)) this.expiries.drop();
  }

  #countedAt(block: Block, index: BlockIndex, place: number): number {
    const length = index.lengthAt(place);
    return countedBytes(length, index.hasHeadersAt(place), index.expiresAt(place), block.cipher !== null);
  }

  /** Throws where a stated invariant does not hold. For tests. */
  checkInvariants(): void {
    const { state, table, blocks } = this;
    blocks.checkInvariants();
    table.checkInvariants();
    let messages = 0;
    let bytes = 0;
    let liveBytes = 0;
    let subjectMessages = 0;
    for (const block of blocks) {
      const index = this.indexOf(block);
      let blockLive = 0;
      messages += block.live.count;
      for (let rel = block.live.next(0); rel >= 0; rel = block.live.next(rel + 1)) {
        const place = index.placeOf(rel);
        assert(place >= 0, "a message has a place");
        assert(table.count(index.subjects[place]) > 0, "a message has a subject");
        bytes += this.#countedAt(block, index, place);
        blockLive += aligned(index.lengthAt(place));
      }
      assert(blockLive === block.liveBytes, "live bytes of a block are counted");
      liveBytes += blockLive;
    }
    table.forEach((id) => (subjectMessages += table.count(id)));
    assert(messages === state.messages && messages === subjectMessages, "messages are counted");
    assert(bytes === state.bytes && liveBytes === this.liveBytes, "bytes are counted");
    assert(state.messages === 0 || blocks.next(0) === state.firstSeq, "the first message is the first");
    assert(state.subjectCount === table.size, "subjects are counted");
  }
}
