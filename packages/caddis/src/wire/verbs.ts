/** The operations of the client protocol, as they are spelled. */
export type Verb = "PUB" | "HPUB" | "SUB" | "UNSUB" | "PING" | "PONG" | "CONNECT" | "INFO" | "+OK" | "-ERR";

/** What may follow a verb: arguments after at least one separator, after any number, or nothing that matters. */
type ArgumentKind = "separated" | "any" | "ignored";

/** How a verb is recognised. */
export class VerbSpelling {
  readonly verb: Verb;
  readonly argument: ArgumentKind;
  /** In upper case. */
  readonly bytes: Uint8Array;

  constructor(verb: Verb, argument: ArgumentKind) {
    this.verb = verb;
    this.argument = argument;
    this.bytes = Buffer.from(verb, "latin1");
  }

  /** How many bytes of `buf[start, end)` agree with this verb, in any case. */
  agreement(buf: Buffer, start: number, end: number): number {
    const { bytes } = this;
    const length = Math.min(bytes.length, end - start);
    let i = 0;
    while (i < length && upperCase(buf[start + i]) === bytes[i]) i++;
    return i;
  }
}

/** The frequent ones first. */
export const VERBS: readonly VerbSpelling[] = [
  new VerbSpelling("PUB", "separated"),
  new VerbSpelling("HPUB", "separated"),
  new VerbSpelling("SUB", "separated"),
  new VerbSpelling("UNSUB", "separated"),
  new VerbSpelling("PING", "ignored"),
  new VerbSpelling("PONG", "ignored"),
  new VerbSpelling("CONNECT", "any"),
  new VerbSpelling("INFO", "any"),
  new VerbSpelling("+OK", "ignored"),
  new VerbSpelling("-ERR", "separated"),
];

/** Longer than any verb. */
export const VERB_BYTES_MAX = 8;

function upperCase(byte: number): number {
  return byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte;
}
