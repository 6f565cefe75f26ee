import { holdsFields, isRecord } from "./core/kept-fields.ts";
import type { KeptCursor, KeptCursors } from "./source-keeper.ts";

/**
 * How it is kept how far a stream is with its sources: in a small file (`store/small-file.ts`), names as wire strings.
 *
 *     {"format":1,"stream":"…","upTo":…,"sources":[["<origin> <filters> <destinations>",{"seq":…,"storedSeq":…,"identity":"…"}],…]}
 *
 * `stream` is the name of the stream's folder: what was written for one stream says nothing about another.
 */
const FORMAT = 1;

export function encodeSources({ upTo, cursors }: KeptCursors, stream: string): string {
  return JSON.stringify({ format: FORMAT, stream, upTo, sources: [...cursors] });
}

/** Null: it is of another stream, was written by a newer version, or is something else. */
export function decodeSources(json: string, stream: string): KeptCursors | null {
  const parsed: unknown = JSON.parse(json);
  if (!isRecord(parsed) || parsed["format"] !== FORMAT) return null;
  const { stream: writer = stream, upTo, sources } = parsed;
  if (writer !== stream || typeof upTo !== "number" || !Array.isArray(sources)) return null;
  return sources.every(isSource) ? { upTo, cursors: new Map(sources) } : null;
}

function isSource(value: unknown): value is [string, KeptCursor] {
  return Array.isArray(value) && typeof value[0] === "string" && holdsFields(value[1], CURSOR_FIELDS);
}

const CURSOR_FIELDS = { seq: "uint64", storedSeq: "uint64", identity: "string" } as const;
