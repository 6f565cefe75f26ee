/** What lies in the folder of a stream; `jetstream/stream-folder.ts` says where that is. */

/** The configuration, a small file: it makes a folder a stream, is written last, and read first. */
export const META_FILE = "stream.json";
/** How far the stream is with its sources, a small file. */
export const SOURCES_FILE = "sources.json";
/** The messages, see `file/format.ts`. */
export const MESSAGES_FOLDER = "messages";
/** The consumers, see `consumer-log-format.ts`. */
export const CONSUMERS_FOLDER = "consumers";
/** The folder in which an account's streams have theirs. */
export const STREAMS_FOLDER = "streams";

/** What a stream's folder is called, or will be, by what it is called now: it may yet be restored, or gone. */
export function streamFolderName(name: string): string {
  return name.split(".", 1)[0];
}
