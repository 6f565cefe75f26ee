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
  const parsed = JSON.parse(json) as {
    format: number;
    stream?: string;
    upTo: number;
    sources?: [string, KeptCursor][];
  };
  if (parsed.format !== FORMAT || (parsed.stream ?? stream) !== stream) return null;
  return parsed.sources === undefined ? null : { upTo: parsed.upTo, cursors: new Map(parsed.sources) };
}
