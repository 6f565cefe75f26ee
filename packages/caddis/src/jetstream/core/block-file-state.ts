import { NumberReader } from "./archive-number.ts";
import { BlockFileHash } from "./block-file-hash.ts";
import { RECORD_HASH_BYTES } from "./block-file.ts";

/**
 * What nats-server writes beside the blocks of a stream (`index.db`): where the stream and each block begin, and
 * which sequences have no message any more. What limits have removed is known only from here.
 *
 *   11, version (1 to 4)
 *   messages, bytes, first sequence, first time, last sequence, last time
 *   count of subjects, then each: length, subject, messages, first block, last block (not always)
 *   count of blocks, then each: number, bytes, first sequence, time, last sequence, time, count of removed,
 *     TTLs (from version 2), schedules (from 3), and the removed sequences if there are any
 *   number of the last block, the hash of its last record
 *   hash of all this, 8 bytes
 *
 * Numbers as in `archive-number.ts`; times with a sign.
 */
const MAGIC = 11;
const VERSION_MAX = 4;
const VERSION_WITH_TTLS = 2;
const VERSION_WITH_SCHEDULES = 3;
const VERSION_WITH_LAST_BLOCK = 4;

export interface BlockFileState {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly blocks: readonly BlockState[];
  readonly lastBlock: number;
  /** Of the last record in it. */
  readonly lastHash: Buffer;
}

export interface BlockState {
  readonly number: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** In no particular order. */
  readonly removed: Iterable<number>;
}

/** `stream`: its name, a wire string. Null: damaged, or of another version. */
export function decodeBlockFileState(file: Buffer, stream: string): BlockFileState | null {
  const end = file.length - RECORD_HASH_BYTES;
  if (end < 2 || file[0] !== MAGIC || file[1] > VERSION_MAX) return null;
  const body = file.subarray(0, end);
  if (!new BlockFileHash(Buffer.from(stream, "latin1")).hash(body).equals(file.subarray(end))) return null;
  const version = file[1];
  const reader = new NumberReader(body, 2);
  reader.number();
  reader.number();
  const firstSeq = reader.number();
  reader.skip();
  const lastSeq = reader.number();
  reader.skip();
  skipSubjects(reader, version);
  const blocks: BlockState[] = [];
  for (let left = reader.number(); left > 0 && reader.isGood && reader.isWhole; left--) {
    const block = readBlock(reader, body, version);
    if (block === null) return null;
    blocks.push(block);
  }
  const lastBlock = reader.number();
  const lastHash = body.subarray(reader.at, reader.at + RECORD_HASH_BYTES);
  if (!reader.isGood || !reader.isWhole || lastHash.length < RECORD_HASH_BYTES) return null;
  return { firstSeq, lastSeq, blocks, lastBlock, lastHash };
}

function skipSubjects(reader: NumberReader, version: number): void {
  for (let left = reader.number(); left > 0 && reader.isGood && reader.isWhole; left--) {
    const length = reader.number();
    if (length === 0) continue;
    reader.at += length;
    const messages = reader.number();
    reader.number();
    if (messages > 1 || version >= VERSION_WITH_LAST_BLOCK) reader.number();
  }
}

function readBlock(reader: NumberReader, body: Buffer, version: number): BlockState | null {
  const number = reader.number();
  reader.number();
  const firstSeq = reader.number();
  reader.skip();
  const lastSeq = reader.number();
  reader.skip();
  const removedCount = reader.number();
  if (version >= VERSION_WITH_TTLS) reader.number();
  if (version >= VERSION_WITH_SCHEDULES) reader.number();
  if (removedCount === 0) return { number, firstSeq, lastSeq, removed: [] };
  const set = decodeSequenceSet(body, reader.at);
  if (set === null) return null;
  reader.at = set.end;
  return { number, firstSeq, lastSeq, removed: set.seqs };
}

const SET_MAGIC = 22;
const SET_HEAD_BYTES = 10;
/** By version: words of 64 bits that a node has. */
const SET_WORDS: ReadonlyMap<number, number> = new Map([
  [1, 64],
  [2, 32],
]);

/** A set of sequences: nodes, each with the sequence of its first bit, bits in words of 64, and two bytes more. */
function decodeSequenceSet(
  buf: Buffer,
  start: number,
): { readonly seqs: Iterable<number>; readonly end: number } | null {
  const words = SET_WORDS.get(buf[start + 1] ?? 0);
  if (words === undefined || buf[start] !== SET_MAGIC || start + SET_HEAD_BYTES > buf.length) return null;
  const nodeBytes = 8 + 8 * words + 2;
  const end = start + SET_HEAD_BYTES + buf.readUInt32LE(start + 2) * nodeBytes;
  if (end > buf.length) return null;
  const nodes = buf.subarray(start + SET_HEAD_BYTES, end);
  return { seqs: { [Symbol.iterator]: () => sequencesOf(nodes, nodeBytes, words) }, end };
}

/** Millions of sequences take up little as bits: they are told one by one. */
function* sequencesOf(nodes: Buffer, nodeBytes: number, words: number): Iterator<number> {
  for (let at = 0; at < nodes.length; at += nodeBytes) {
    const base = Number(nodes.readBigUInt64LE(at));
    for (let half = 0; half < 2 * words; half++) {
      let bits = nodes.readUInt32LE(at + 8 + 4 * half);
      for (; bits !== 0; bits = (bits & (bits - 1)) >>> 0)
        yield base + 32 * half + 31 - Math.clz32(bits & -bits);
    }
  }
}
