/** How far a stream is with one of its sources. */
export class SourceCursor {
  /** The last sequence there that is done with: stored, left out, or passed by. */
  seq = 0;
  /** The last sequence that was stored. */
  storedSeq = 0;
  /** Which stream of the name it was; empty: not known. */
  identity = "";
  /** False: nobody knows; the source may be new, or what would tell is gone. */
  isKnown = false;

  set(seq: number, storedSeq: number, identity: string): void {
    this.seq = seq;
    this.storedSeq = storedSeq;
    this.identity = identity;
    this.isKnown = true;
  }

  clear(): void {
    this.set(0, 0, "");
    this.isKnown = false;
  }
}
