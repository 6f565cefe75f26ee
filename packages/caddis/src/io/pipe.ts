import type { Bytes } from "../base/bytes.ts";
import type { TlsContext, TlsSession } from "./tls.ts";

/**
 * A duplex byte stream to one peer: a TCP socket, with or without TLS, an in-process pair, or a WebSocket.
 * The connection owns its pipe; the pipe calls the connection's `PipeEvents` and nothing else.
 */
export interface Pipe {
  /** The peer's address as monitoring shows it; empty for an in-process pipe. */
  readonly remoteHost: string;
  readonly remotePort: number;
  /**
   * Writes `buf[0, length)`. Returns true when the bytes are gone and `buf` may be reused at once.
   * Returns false when the kernel took only a part: `buf` then belongs to the pipe until `onWritten`.
   * Never called while an earlier write is outstanding.
   */
  write(buf: Buffer, length: number): boolean;
  /** As `write`, for several buffers, in order; `lengths[i]` bytes of `bufs[i]`. */
  writeAll(bufs: readonly Buffer[], lengths: readonly number[]): boolean;
  /** Stops `onData` until `resume`. Bytes already being handed over are not affected. */
  pause(): void;
  resume(): void;
  /**
   * Begins TLS as its server. `received` is what the peer had sent of the handshake already. Everything written
   * before has gone out in the clear; after `onSecured` events and writes are of the encrypted stream. Nothing
   * may be written in between. A handshake that fails ends in `onClosed`.
   */
  secure(context: TlsContext, received: Uint8Array | null): void;
  /**
   * Who is at the other end was let in: bounds that only hold for strangers end. For pipes that have any.
   */
  admit?(): void;
  /** Sends what was written, then ends the stream; `onClosed` follows. `status` is for pipes that can say why. */
  end(status?: CloseStatus): void;
  /** Drops the stream at once; `onClosed` follows, in a later turn. */
  destroy(): void;
}

/** Why a pipe ends, for those that can say so: a status code of RFC 6455 and a text. */
export interface CloseStatus {
  readonly code: number;
  readonly text: string;
}

/** What a pipe tells its connection. */
export interface PipeEvents {
  /** `input[0, length)` arrived. The bytes are valid until this call returns: who keeps them copies them. */
  onData(input: Bytes, length: number): void;
  /** The handshake that `secure` began is done. For whoever calls that. */
  onSecured?(session: TlsSession): void;
  /** The outstanding write is done and its buffers may be reused. */
  onWritten(): void;
  /** The peer ended its side, or the stream failed (`error` says how). Called once; nothing follows it. */
  onClosed(error: Error | null): void;
}

/** A pipe that is given its listener after it was made; no event is lost in between. */
export interface UnattachedPipe extends Pipe {
  attach(events: PipeEvents): void;
}

/** The network, handed in. */
export interface Net {
  /**
   * Accepts connections at `host` and `port` (0: any free one). Rejects when the address can't be had.
   * `onPipe` gets each connection, paused until it is attached. `onAcceptError` hears of each that could not
   * be had, when descriptors run out, say; the listener goes on.
   */
  listen(
    host: string,
    port: number,
    onPipe: (pipe: UnattachedPipe) => void,
    onAcceptError: (error: Error) => void,
  ): Promise<Listener>;
}

/** A bound address. */
export interface Listener {
  readonly host: string;
  /** The addresses at which it can be reached: `host`, or all of this machine's where that is unspecified, loopback first. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Stops accepting; connections stay. */
  close(): Promise<void>;
}
