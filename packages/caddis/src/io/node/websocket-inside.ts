import type { WebSocket } from "ws";
import { assert } from "../../base/assert.ts";
import { unmask } from "./websocket-mask.ts";

/**
 * What is asked of `ws` (8.23) beyond what it offers. The names are its own affair; its version is fixed, and that
 * another one has other names is found out by the first connection.
 */
const RECEIVER = "_receiver";
const EXTENSIONS = "_extensions";
const DEFLATE = "permessage-deflate";
const LIMIT = "_maxPayload";
const MASK = "_mask";

/**
 * From the next frame on a message of `websocket` may have `bytes`, as it comes. `ws` takes one limit for the life of
 * a connection; ours is a low one until the peer is let in.
 */
export function limitMessages(websocket: WebSocket, bytes: number): void {
  const receiver = partOf(websocket, RECEIVER);
  assert(typeof Reflect.get(receiver, LIMIT) === "number", "a version of ws that keeps its limit there");
  Reflect.set(receiver, LIMIT, bytes);
}

/** What `ws` does with its extension. */
interface Inflating {
  /** The data of a frame. `done` gets what it contributes to the message. */
  decompress(data: Buffer, isFinal: boolean, done: (error: null, data: Buffer) => void): void;
  cleanup(): void;
}

const NOTHING = Buffer.alloc(0);

/**
 * From now on `onMessage` gets the data of compressed messages as it comes, in the order of all messages, and
 * `websocket` thinks that they are empty: it would leave inflating to threads, and keep a context per connection.
 */
export function takeCompressed(websocket: WebSocket, onMessage: (data: Buffer) => void): void {
  const extensions = partOf(websocket, EXTENSIONS);
  if (!(DEFLATE in extensions)) return;
  let frames: Buffer[] = [];
  const inflating: Inflating = {
    decompress(data, isFinal, done) {
      frames.push(data);
      if (isFinal) {
        const message = frames.length === 1 ? data : Buffer.concat(frames);
        frames = [];
        onMessage(message);
      }
      // `ws` is not made for an answer within its call.
      queueMicrotask(() => done(null, NOTHING));
    },
    cleanup() {
      frames = [];
    },
  };
  Reflect.set(extensions, DEFLATE, inflating);
}

/** The part that takes frames apart: hands out bytes that have arrived. */
interface Consuming {
  consume(count: number): Buffer;
}

const NO_MASK = new Uint8Array(4);

/**
 * Takes masks off word by word. `ws` does so byte by byte where it has no native addon, which would be a third of
 * all the work of a connection; with a mask of zeros it leaves the data as it is. A version of it that has other
 * names goes on as slowly as before.
 */
export function unmaskFaster(websocket: WebSocket): void {
  const receiver = partOf(websocket, RECEIVER);
  if (!isConsuming(receiver)) return;
  const consume = receiver.consume.bind(receiver);
  receiver.consume = (count) => {
    const data = consume(count);
    const mask: unknown = Reflect.get(receiver, MASK);
    if (!(mask instanceof Uint8Array)) return data;
    // It is there between the head of a frame and its data.
    unmask(data, mask);
    Reflect.set(receiver, MASK, NO_MASK);
    return data;
  };
}

function partOf(websocket: WebSocket, name: string): object {
  const part: unknown = Reflect.get(websocket, name);
  assert(typeof part === "object" && part !== null, "a version of ws that consists of the same parts");
  return part;
}

function isConsuming(value: object): value is Consuming {
  return MASK in value && "consume" in value && typeof value.consume === "function";
}
