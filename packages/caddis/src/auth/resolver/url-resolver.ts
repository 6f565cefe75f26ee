import { goQuote } from "../../base/go-quote.ts";
import { isPublicNkey } from "../../base/nkey-text.ts";
import type { HttpClient } from "../../io/http-client.ts";
import { fromWireString, toWireString } from "../../subject/subject.ts";

import { JWT_BYTES_MAX } from "../jwt.ts";
import { NOT_AN_ACCOUNT, type Fetched, type Resolver, type StoreResult } from "./resolver.ts";

/** How long an account server or other servers may take to answer; below the 2 s that log-ins have by default. */
export const FETCH_TIMEOUT_MS = 1_900;

const HTTP_OK = 200;

/** Account JWTs from an account server: GET `url` + account id. */
export class UrlResolver implements Resolver {
  readonly kind = "url";
  readonly #base: string;
  readonly #http: HttpClient;

  constructor(url: string, http: HttpClient) {
    this.#base = url.endsWith("/") ? url : `${url}/`;
    this.#http = http;
  }

  /** Asks for the URL itself: whether anybody is home. */
  async start(): Promise<string | null> {
    const answer = await this.#get("");
    return answer.found ? null : answer.reason;
  }

  async fetchJwt(accountId: string): Promise<Fetched> {
    if (!isPublicNkey("account", accountId)) return NOT_AN_ACCOUNT;
    return await this.#get(accountId);
  }

  store(): Promise<StoreResult> {
    return Promise.resolve({ stored: false, reason: "store operation not supported for URL Resolver" });
  }

  close(): Promise<void> {
    this.#http.close();
    return Promise.resolve();
  }

  async #get(path: string): Promise<Fetched> {
    const url = this.#base + path;
    const limits = { timeoutMs: FETCH_TIMEOUT_MS, bytesMax: JWT_BYTES_MAX };
    const answer = await this.#http.get(url, limits);
    if (!answer.ok) return failed(url, answer.problem);
    if (answer.status !== HTTP_OK) return failed(url, `${answer.status} ${answer.statusText}`.trim());
    return { found: true, jwt: answer.body.trim() };
  }
}

function failed(url: string, why: string): Fetched {
  const quoted = fromWireString(goQuote(toWireString(withoutPassword(url))));
  return { found: false, reason: `could not fetch <${quoted}>: ${why}` };
}

/** A URL as it may be logged. One that is none and might hold a password is not shown at all. */
function withoutPassword(url: string): string {
  if (!url.includes("@")) return url;
  const parsed = URL.parse(url);
  if (parsed === null) return "xxxxx";
  if (parsed.password !== "") parsed.password = "xxxxx";
  return parsed.href;
}
