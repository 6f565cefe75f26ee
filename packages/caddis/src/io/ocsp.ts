/** What asking for the status of certificates (OCSP, RFC 6960) needs of the world. */

/** A question to a responder of a certificate authority, over HTTP. */
export interface OcspRequest {
  readonly method: "GET" | "POST";
  /** With `http:` or `https:`; a GET carries its question here. */
  readonly url: string;
  /** The question of a POST, DER; null for a GET. */
  readonly body: Uint8Array | null;
}

/** HTTP to responders, handed in. */
export interface OcspTransport {
  /**
   * Sends `request` and resolves to the body of the answer, or to a text that says why there is none. Never
   * rejects. Redirects are refused: only whoever the certificate names is talked to.
   */
  send(request: OcspRequest, timeoutMs: number): Promise<Uint8Array | string>;
  /** Ends all that is under way, and answers nothing any more. */
  close(): void;
}

/** A folder that keeps what responders said, handed in. Neither method rejects. */
export interface OcspFolder {
  /** The bytes of a file of at most `bytesMax`, null when there is none, or what went wrong. */
  read(name: string, bytesMax: number): Promise<Uint8Array | string | null>;
  /** Replaces a file as a whole, readable by its owner alone. Returns what went wrong, or null. */
  write(name: string, bytes: Uint8Array): Promise<string | null>;
}
