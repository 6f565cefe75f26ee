/** How much one request may take. */
export interface HttpLimits {
  /** From the call to the last byte of the body, redirects included. */
  readonly timeoutMs: number;
  readonly bytesMax: number;
}

/** What came of a request; `problem` says what failed and holds nothing of the URL. */
export type HttpFetched =
  | { readonly ok: true; readonly status: number; readonly statusText: string; readonly body: string }
  | { readonly ok: false; readonly problem: string };

/** Asks other servers over HTTP and HTTPS, handed in. */
export interface HttpClient {
  /** GETs a URL, following redirects. Never rejects. */
  get(url: string, limits: HttpLimits): Promise<HttpFetched>;
  /** Ends its connections, whatever is on them. */
  close(): void;
}

/** How an `HttpClient` shows itself and whom it trusts; files in PEM. */
export interface HttpClientTls {
  /** Its own certificates; empty for none. */
  readonly certificates: readonly { readonly cert_file: string; readonly key_file: string }[];
  /** The authorities it trusts; empty: those that come with Node. */
  readonly ca_file: string;
  readonly min_version: "1.2" | "1.3";
  /** Takes any certificate. */
  readonly insecure: boolean;
}
