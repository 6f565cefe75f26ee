import type { WebSocket } from "ws";
import { assert } from "../../base/assert.ts";

/** The parts of `ws` (8.23) that know how large a message may be. Their names are its own affair. */
interface Limited {
  readonly _receiver: { _maxPayload: number };
  readonly _extensions: { readonly "permessage-deflate"?: { _maxPayload: number } };
}

/**
 * From the next frame on messages of `websocket` may have `bytes`, as they come and as they are inflated. `ws` takes
 * one limit for the life of a connection; ours is a low one until the peer is let in. Its version is fixed, and
 * another one that has other names is found out by the first connection.
 */
export function limitMessages(websocket: WebSocket, bytes: number): void {
  const { _receiver: receiver, _extensions: extensions } = websocket as unknown as Limited;
  assert(typeof receiver._maxPayload === "number", "a version of ws that keeps its limit there");
  receiver._maxPayload = bytes;
  const deflate = extensions["permessage-deflate"];
  if (deflate === undefined) return;
  assert(typeof deflate._maxPayload === "number", "a version of ws that keeps its limit there");
  deflate._maxPayload = bytes;
}
