/** What lies in the folder of a stream; `jetstream/stream-folder.ts` says where that is. */

/** The configuration, a small file: it makes a folder a stream, is written last, and read first. */
export const META_FILE = "stream.json";
/** How far the stream is with its sources, a small file. */
export const SOURCES_FILE = "sources.json";
/** The messages, see `file/format.ts`. */
export const MESSAGES_FOLDER = "messages";
/** The consumers, see `consumer-log-format.ts`. */
export const CONSUMERS_FOLDER = "consumers";
/** What comes behind the name of a consumers' folder in that of the file beside it; see `consumer-log-end.ts`. */
export const CONSUMERS_END_SUFFIX = ".json";
/** How far the log of the consumers went, a small file. */
export const CONSUMERS_END_FILE = CONSUMERS_FOLDER + CONSUMERS_END_SUFFIX;
/** The folder in which an account's streams have theirs. */
export const STREAMS_FOLDER = "streams";

/** What a stream's folder is called, or will be, by what it is called now: it may yet be restored, or gone. */
export function streamFolderName(name: string): string {
  return name.split(".", 1)[0];
}
