/**
 * Reply subjects of fast batches, which say all there is to say about a message of one:
 * `<prefix>.<batch id>.<flow>.<gap mode>.<batch sequence>.<operation>.$FI`.
 */

/** What a client does with a message of a fast batch. */
export type FastBatchOperation = "start" | "append" | "commit" | "commitEnd" | "ping";

export interface FastBatchReply {
  readonly id: string;
  /** The client is content with one flow acknowledgement for at most so many messages. */
  readonly flow: number;
  /** Messages may be missing; else the batch ends where the first one is. */
  readonly isGapFine: boolean;
  /** From 1 on. */
  readonly seq: number;
  /** `commit` is the last message, `commitEnd` says that the last one has been. */
  readonly operation: FastBatchOperation;
}

const SUFFIX = ".$FI";
const OPERATIONS: readonly FastBatchOperation[] = ["start", "append", "commit", "commitEnd", "ping"];
const DIGITS = /^\d+$/;

const FLOW_DEFAULT = 10;
const FLOW_MAX = 65_535;

/** Whether a reply subject is that of a fast batch, well-formed or not. Wire string. */
export function isFastBatchReply(reply: string): boolean {
  return reply.length > SUFFIX.length && reply.endsWith(SUFFIX);
}

/** Null where the subject does not have the form. Wire string. */
export function parseFastBatchReply(reply: string): FastBatchReply | null {
  const tokens = reply.slice(0, -SUFFIX.length).split(".");
  if (tokens.length < 6) return null;
  const [id, flowText, gap, seqText, operationText] = tokens.slice(-5);
  const operation = DIGITS.test(operationText) ? OPERATIONS[Number(operationText)] : undefined;
  if (operation === undefined) return null;
  const seq = DIGITS.test(seqText) ? Number(seqText) : 0;
  if (seq === 0 || !Number.isSafeInteger(seq)) return null;
  if (operation === "start" ? seq !== 1 : operation !== "commit" && operation !== "ping" && seq === 1)
    return null;
  if (gap !== "ok" && gap !== "fail") return null;
  const flow = DIGITS.test(flowText) ? Math.min(Number(flowText), FLOW_MAX) : 0;
  return { id, flow: flow === 0 ? FLOW_DEFAULT : flow, isGapFine: gap === "ok", seq, operation };
}
