import { assert } from "../../base/assert.ts";
import type { Block } from "./block.ts";
import { BlockIndex } from "./block-index.ts";
import type { WalkedBlock } from "./block-walk.ts";
import { viewOf } from "./checksum.ts";
import { LiveBits, LiveList } from "./live-set.ts";
import type { RecoveredRemovals } from "./recovered-removals.ts";
import type { RecoveredTime } from "./recovered-time.ts";
import type { Gap } from "./recovery-gaps.ts";
import type { StoreData } from "./store-data.ts";

/**
 * Takes the messages of a block in that are still there; from `limitSeq` on they are void. `buf`: what its file has.
 * Returns those that can't be read. After the removals are sorted, and the blocks before were taken in.
 */
export function takeIn(
  walked: WalkedBlock,
  buf: Buffer,
  limitSeq: number,
  data: StoreData,
  removals: RecoveredRemovals,
  time: RecoveredTime,
): Gap[] {
  const { block, offsets, seqs } = walked;
  const { table, record, kept, expiries } = data;
  const view = viewOf(buf);
  const gaps: Gap[] = [];
  const isKnown = data.blocks.last === block;
  // Of one that is known in part, only if it is at hand: else it is made when it is needed.
  const index = isKnown ? block.index : new BlockIndex();
  if (!isKnown) addEmpty(data, block, limitSeq);
  const rels: number[] = [];
  for (let i = 0; i < offsets.length; i++) {
    const seq = seqs[i];
    const offset = offsets[i];
    const length = view.getUint32(offset, true);
    const isLive = seq < limitSeq && !removals.has(seq);
    if (!record.read(buf, view, offset, offset, block.cipher, isLive)) {
      gaps.push({ after: seq - 1, before: seq + 1, bytes: length, where: `${block.path} at ${offset}` });
      continue;
    }
    if (seq >= limitSeq) continue;
    block.lastSeq = seq;
    const { hasHeaders, dueMs, timeMs, timeNs } = record;
    let id = 0;
    if (isLive) {
      id = table.intern(record.subject);
      table.addTo(id, seq);
      rels.push(seq - block.firstSeq);
      data.countLive(block, seq, length, hasHeaders, dueMs !== 0, timeMs, timeNs);
      if (dueMs !== 0 && removals.kept.has(seq)) kept.add(seq);
      else if (dueMs !== 0) expiries.add(dueMs, seq);
    } else {
      block.noteTime(timeMs, timeNs);
    }
    index?.add(seq - block.header.firstSeq, offset, length, id, hasHeaders, dueMs !== 0);
    time.note(seq, timeMs, timeNs);
  }
  // Not before: whoever needed its index until now needed it without what is new.
  block.end = walked.end;
  block.writtenEnd = block.end;
  block.durableEnd = block.end;
  addTo(block, seqs, rels);
  if (index !== null) data.keepIndex(block, index);
  return gaps;
}

function addEmpty(data: StoreData, block: Block, limitSeq: number): void {
  block.firstSeq = Math.min(block.firstSeq, limitSeq);
  block.lastSeq = block.firstSeq - 1;
  data.addBlock(block);
}

/** Has a block hold messages: `seqs` are all that are in the file, `rels` those that are still there, behind what it holds. */
function addTo(block: Block, seqs: readonly number[], rels: readonly number[]): void {
  if (block.header.generation === 0) {
    const { live } = block;
    assert(live instanceof LiveBits, "only compacted blocks have lists");
    for (const rel of rels) live.add(rel);
    return;
  }
  const all = Uint32Array.from(seqs, (seq) => seq - block.header.firstSeq);
  block.live = new LiveList(all);
  let next = 0;
  for (const rel of all) {
    if (rels[next] === rel) next++;
    else block.live.remove(rel);
  }
}
