import { crc32, viewOf } from "../store/file/checksum.ts";
import type { KeptCursor, KeptCursors } from "./source-keeper.ts";

/**
 * How it is kept how far a stream is with its sources: a file of one line, names as wire strings.
 *
 *     <CRC-32 of the JSON, 8 hexadecimal digits> <JSON> LF
 *     {"format":1,"upTo":…,"sources":[["<origin> <filters> <destinations>",{"seq":…,"storedSeq":…,"identity":"…"}],…]}
 */
const FORMAT = 1;
const CRC_DIGITS = 8;

export function encodeSources({ upTo, cursors }: KeptCursors): Buffer {
  const json = JSON.stringify({ format: FORMAT, upTo, sources: [...cursors] });
  return Buffer.from(`${checksum(json)} ${json}\n`);
}

/** Null: it is damaged, or was written by a newer version. */
export function decodeSources(data: Buffer): KeptCursors | null {
  const text = data.toString("utf8");
  const json = text.slice(CRC_DIGITS + 1, -1);
  if (text[CRC_DIGITS] !== " " || !text.endsWith("\n") || text.slice(0, CRC_DIGITS) !== checksum(json))
    return null;
  const parsed = JSON.parse(json) as { format: number; upTo: number; sources: [string, KeptCursor][] };
  return parsed.format === FORMAT ? { upTo: parsed.upTo, cursors: new Map(parsed.sources) } : null;
}

function checksum(json: string): string {
  const bytes = Buffer.from(json);
  return crc32(bytes, viewOf(bytes), 0, bytes.length, 0).toString(16).padStart(CRC_DIGITS, "0");
}
