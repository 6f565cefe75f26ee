import type { Block } from "./block.ts";
import type { WalkedBlock } from "./block-walk.ts";
import { aligned, MESSAGE_FIXED_BYTES } from "./format.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { RecoveredRemovals, Rest } from "./recovered-removals.ts";
import type { StoreData } from "./store-data.ts";

/** Sequences that may have been in bytes that can't be read, or aren't there. */
export interface Gap {
  readonly after: number;
  readonly before: number;
  /** 0: not known. */
  readonly bytes: number;
  readonly where: string;
  /** Says which of them were messages, up to its last one; missing: nobody does. */
  readonly told?: Checkpoint;
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

/**
 * What blocks that are missing may have held: those before the first `knownCount` were noted by who wrote the
 * checkpoint. All messages before `frontSeq` are gone anyway. `told`: a checkpoint that speaks of more than is there.
 */
export function missingBlocks(
  blocks: readonly Block[],
  knownCount: number,
  frontSeq: number,
  told: Checkpoint | null,
): Gap[] {
  const gaps: Gap[] = [];
  for (let i = knownCount; i < blocks.length; i++) {
    const { number, firstSeq, path } = blocks[i];
    const before = i === 0 ? null : blocks[i - 1];
    const from = (before?.lastNumber ?? 0) + 1;
    if (number <= from) continue;
    const after = before === null ? 0 : before.lastSeq;
    if (Math.max(after + 1, frontSeq) >= firstSeq) continue;
    const gap = { after, before: firstSeq, bytes: 0, where: `what lay before ${path}` };
    // What lay before the first block that a checkpoint speaks of was gone by then.
    const isTold = told !== null && speaksOf(told, before === null ? numberOfFirst(told) : from, number - 1);
    gaps.push(isTold ? { ...gap, told } : gap);
  }
  return gaps;
}

function numberOfFirst({ blocks }: Checkpoint): number {
  return blocks.at(0)?.header.number ?? 1;
}

/** Whether a checkpoint says what was in all blocks with these numbers. */
function speaksOf({ blocks }: Checkpoint, from: number, to: number): boolean {
  let count = 0;
  for (const { header } of blocks)
    count += Math.max(0, Math.min(to, header.lastNumber) - Math.max(from, header.number) + 1);
  return count > 0 && count === to - from + 1;
}

/** The messages from `from` to `to` that a checkpoint knows of, ascending. */
export function* messagesIn({ blocks }: Checkpoint, from: number, to: number): Generator<number> {
  for (const { firstSeq, live } of blocks) {
    for (let rel = live.next(Math.max(0, from - firstSeq)); rel >= 0; rel = live.next(rel + 1)) {
      if (firstSeq + rel > to) return;
      yield firstSeq + rel;
    }
  }
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
  const to = Math.min(gap.before - 1, state.lastSeq);
  const rest = restOf(gap, to, removals);
  // A message that was being erased when the power went: all there was is known to be gone.
  if (rest === null && gap.before > gap.after + 1) return false;
  const { first: from, last, count: most } = rest ?? { first: 0, last: 0, count: 0 };
  const count = gap.bytes > 0 ? Math.min(most, Math.floor(gap.bytes / MESSAGE_BYTES_MIN) + 1) : most;
  const what = count === 0 ? "no message" : `${count} messages between ${from} and ${last}`;
  report(`${gap.where} can't be read: ${what} lost`);
  lost.add({ from, to: last, count, bytes: Math.min(gap.bytes, aligned(gap.bytes)) });
  return true;
}

/** What was in a gap, up to `to`, and was not removed. */
function restOf({ after, told }: Gap, to: number, removals: RecoveredRemovals): Rest | null {
  if (told === undefined) return removals.restOf(after + 1, to);
  const known = restOfKnown(messagesIn(told, after + 1, to), removals);
  const since = removals.restOf(Math.max(after, told.lastSeq) + 1, to);
  if (known === null || since === null) return known ?? since;
  return { first: known.first, last: since.last, count: known.count + since.count };
}

/** Of messages that there once were, ascending, what was not removed; null: nothing. */
export function restOfKnown(seqs: Iterable<number>, removals: RecoveredRemovals): Rest | null {
  let first = 0;
  let last = 0;
  let count = 0;
  for (const seq of seqs) {
    if (removals.has(seq)) continue;
    if (count++ === 0) first = seq;
    last = seq;
  }
  return count === 0 ? null : { first, last, count };
}
