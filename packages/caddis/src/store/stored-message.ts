/**
 * A message in a store, as one read of it brings it: ranges of `buf` that are valid until the next call to any
 * store. One object is filled anew for each read. Headers and payload follow each other:
 * `buf[headersStart, payloadStart)` is the header block (`NATS/1.0 CR LF …`, empty: none), then the payload.
 */
export class StoredMessage {
  seq = 0;
  /** Wire string. */
  subject = "";
  timeMs = 0;
  timeNs = 0;
  buf: Buffer = NOTHING;
  headersStart = 0;
  payloadStart = 0;
  payloadEnd = 0;
}

const NOTHING = Buffer.alloc(0);
