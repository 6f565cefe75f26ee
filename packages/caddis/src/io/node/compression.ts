import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Compression } from "../compression.ts";

/** Packs on a thread of its own, so that a large answer holds nobody up. */
export const zlibCompression: Compression = { gzip: promisify<Uint8Array, Buffer>(gzip) };
