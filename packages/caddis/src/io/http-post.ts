/** What came of a request; `problem` says what failed and holds nothing of the URL. */
export type Posted =
  | { readonly ok: true; readonly status: number }
  | { readonly ok: false; readonly problem: string };

/** POSTs JSON to a URL over HTTP or HTTPS; the answer's body is of no interest. Never rejects, and ends in some seconds. */
export type HttpPost = (
  url: string,
  headers: Readonly<Record<string, string>>,
  json: string,
) => Promise<Posted>;
