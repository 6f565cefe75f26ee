import type { TlsContext } from "./tls.ts";

/** One HTTP request as the server sees it. A body is none of its business and is dropped. */
export interface HttpRequest {
  /** The decoded path; begins with a slash. */
  readonly path: string;
  /** What stands behind the question mark, as it was sent; empty for nothing. */
  readonly query: string;
  /** What kinds of answer it takes, as it says; absent where it says nothing. */
  readonly accept?: string;
}

/** What is sent back. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The body in pieces of text. The next piece is asked for in a later turn, when the peer has taken the
   * ones before: a long answer neither blocks the loop nor piles up in memory.
   */
  readonly body: Iterable<string>;
}

/** Answers one request, whatever its method is. Neither throws nor rejects, and no more does the answer's body. */
export type HttpHandler = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;

/** HTTP, handed in. */
export interface Http {
  /**
   * Answers requests at `host` and `port` (0: any free one). Rejects when the address can't be had.
   * `tls` is asked for at each handshake, and null turns the peer away; without it requests come in the clear.
   */
  listen(
    host: string,
    port: number,
    answer: HttpHandler,
    tls?: () => TlsContext | null,
  ): Promise<HttpListener>;
}

/** A bound address, as `Listener`. */
export interface HttpListener {
  readonly host: string;
  readonly addresses: readonly string[];
  readonly port: number;
  /** Stops accepting and ends every connection at once, with or without a request on it. Resolves when they are gone. */
  close(): Promise<void>;
}
