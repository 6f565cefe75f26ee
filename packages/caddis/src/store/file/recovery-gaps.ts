import type { Block } from "./block.ts";
import type { WalkedBlock } from "./block-walk.ts";
import { aligned, MESSAGE_FIXED_BYTES } from "./format.ts";
import type { RecoveredRemovals } from "./recovered-removals.ts";
import type { StoreData } from "./store-data.ts";

/** Sequences that may have been in bytes that can't be read, or aren't there. */
export interface Gap {
  readonly after: number;
  readonly before: number;
  /** 0: not known. */
  readonly bytes: number;
  readonly where: string;
}

/** The smallest message. */
export const MESSAGE_BYTES_MIN = MESSAGE_FIXED_BYTES;

/** What lies in the damaged bytes of a block; `firstBehind`: the first sequence that may be in a later one. */
export function gapsOf(walked: WalkedBlock, firstBehind: number): Gap[] {
  const { block, offsets, seqs, marks, damages } = walked;
  return damages.map(({ from, to }) => {
    let after = Math.max(block.firstSeq - 1, block.lastSeq);
    let before = Infinity;
    for (let i = 0; i < offsets.length && offsets[i] < from; i++) after = seqs[i];
    for (let i = offsets.length - 1; i >= 0 && offsets[i] >= to; i--) before = Math.min(before, seqs[i]);
    for (const mark of marks) {
      if (mark.offset < from) after = Math.max(after, mark.seq);
      else before = Math.min(before, mark.seq + 1);
    }
    if (before === Infinity) before = firstBehind;
    return { after, before, bytes: to - from, where: `${block.path}, bytes ${from} to ${to}` };
  });
}

/** What blocks that are missing may have held. All messages before `frontSeq` are gone anyway. */
export function missingBlocks(blocks: readonly Block[], frontSeq: number): Gap[] {
  const gaps: Gap[] = [];
  for (let i = 0; i < blocks.length; i++) {
    const { number } = blocks[i];
    const before = i === 0 ? null : blocks[i - 1];
    const isMissing = before === null ? number > 1 : number > before.lastNumber + 1;
    if (!isMissing) continue;
    const after = before === null ? 0 : before.lastSeq;
    if (Math.max(after + 1, frontSeq) >= blocks[i].firstSeq) continue;
    gaps.push({ after, before: blocks[i].firstSeq, bytes: 0, where: `what lay before ${blocks[i].path}` });
  }
  return gaps;
}

/**
 * Counts as lost what lay in a gap and was not removed, and tells of it. False: nothing did. After the removals are
 * sorted and the last sequence is known.
 */
export function noteGap(
  gap: Gap,
  removals: RecoveredRemovals,
  { state, lost }: StoreData,
  report: (damage: string) => void,
): boolean {
  const from = Math.max(gap.after + 1, removals.frontSeq);
  const to = Math.min(gap.before - 1, state.lastSeq);
  let count = 0;
  for (let seq = from; seq <= to; seq++) if (!removals.has(seq)) count++;
  // A message that was being erased when the power went: all there was is known to be gone.
  if (count === 0 && gap.before > gap.after + 1) return false;
  if (gap.bytes > 0) count = Math.min(count, Math.floor(gap.bytes / MESSAGE_BYTES_MIN) + 1);
  const what = count === 0 ? "no message" : `${count} messages between ${from} and ${to}`;
  report(`${gap.where} can't be read: ${what} lost`);
  lost.add({ from, to, count, bytes: Math.min(gap.bytes, aligned(gap.bytes)) });
  return true;
}
