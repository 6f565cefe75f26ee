import type { Bytes } from "../base/bytes.ts";

/** Why the parser gives up on a peer. What is said on the wire about it is the connection's business. */
export type ParseFault =
  | "unknown operation"
  | "control line too long"
  | "payload too large"
  | "headers disabled"
  | "bad arguments"
  | "not connected";

/** What a connection does with the operations of its peer. */
export interface ClientOps {
  /**
   * PUB or HPUB. `[subjectStart, subjectEnd)` and `[replyStart, replyEnd)` (empty: no reply) are in
   * `input`; `[suffixStart, payloadEnd + 2)` reads `size CR LF payload CR LF` (for HPUB
   * `header-size total-size CR LF …`) and so can be sent on as it is. `headerBytes` is 0 for PUB.
   * The bytes are valid until the call returns.
   */
  onPub(
    input: Bytes,
    subjectStart: number,
    subjectEnd: number,
    replyStart: number,
    replyEnd: number,
    headerBytes: number,
    suffixStart: number,
    payloadStart: number,
    payloadEnd: number,
  ): void;
  /** While `pedantic`: the control line of a publish was accepted, its payload may not be here yet. */
  onPubLine(input: Bytes, subjectStart: number, subjectEnd: number): void;
  onSub(subject: string, queue: string, sid: string): void;
  /** `max` is 0 when none was given or it was not a number. */
  onUnsub(sid: string, max: number): void;
  onConnect(json: string): void;
  onPing(): void;
  onPong(): void;
  onInfo(json: string): void;
  onOk(): void;
  onErr(text: string): void;
  /** The peer broke the protocol; nothing more is parsed. `detail` is for the log. */
  onFault(fault: ParseFault, detail: string): void;
  /** A control line, for trace logs; called only while `tracing`. `argument` is empty for PING and the like. */
  onTrace(verb: string, argument: string): void;
}
