import type { WebSocket } from "ws";
import { assert } from "../../base/assert.ts";

/** Where the parts of `ws` (8.23) that take messages keep their limit. The names are its own affair. */
const RECEIVER = "_receiver";
const EXTENSIONS = "_extensions";
const DEFLATE = "permessage-deflate";
const LIMIT = "_maxPayload";

/**
 * From the next frame on messages of `websocket` may have `bytes`, as they come and as they are inflated. `ws` takes
 * one limit for the life of a connection; ours is a low one until the peer is let in. Its version is fixed, and that
 * another one has other names is found out by the first connection.
 */
export function limitMessages(websocket: WebSocket, bytes: number): void {
  setLimit(Reflect.get(websocket, RECEIVER), bytes);
  const extensions: unknown = Reflect.get(websocket, EXTENSIONS);
  assert(isObject(extensions), "a version of ws that keeps its extensions there");
  // Absent where nothing is compressed.
  if (DEFLATE in extensions) setLimit(Reflect.get(extensions, DEFLATE), bytes);
}

function setLimit(part: unknown, bytes: number): void {
  assert(
    isObject(part) && typeof Reflect.get(part, LIMIT) === "number",
    "a version of ws that keeps its limit there",
  );
  Reflect.set(part, LIMIT, bytes);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
