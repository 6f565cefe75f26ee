import { malformed, TAG, type DerReader } from "./der.ts";

/** Years that two digits mean; RFC 5280, 4.1.2.5.1. */
const TWO_DIGIT_PIVOT = 50;

/** A time in the form that DER allows: with seconds, in UTC. Returns milliseconds since the Unix epoch. */
export function readTime(reader: DerReader): number {
  if (reader.tag !== TAG.utcTime) return readGeneralizedTime(reader);
  const text = latin1(reader.read(TAG.utcTime));
  return parseTime((Number(text.slice(0, 2)) < TWO_DIGIT_PIVOT ? "20" : "19") + text);
}

/** As `readTime`, in the longer form, the only one that OCSP knows. */
export function readGeneralizedTime(reader: DerReader): number {
  return parseTime(latin1(reader.read(TAG.generalizedTime)));
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function parseTime(text: string): number {
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (found === null) malformed("a time in another form");
  const iso = `${found[1]}-${found[2]}-${found[3]}T${found[4]}:${found[5]}:${found[6]}.000Z`;
  const ms = Date.parse(iso);
  // A date that is not in the calendar would be read as a later one.
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== iso) malformed("no such time");
  return ms;
}
