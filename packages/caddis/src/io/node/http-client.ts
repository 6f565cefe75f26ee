import { Agent as PlainAgent, get as plainGet, type IncomingMessage } from "node:http";
import { Agent as TlsAgent, get as tlsGet, type AgentOptions } from "node:https";
import type { HttpClient, HttpClientTls, HttpFetched, HttpLimits } from "../http-client.ts";
import { readTextFile } from "./process-files.ts";
import { asSystemError, systemReason } from "./system-error.ts";

/** As many as the reference's HTTP client follows. */
const REDIRECTS_MAX = 10;

/** Connections to one host at a time: enough to answer a burst of log-ins, not enough to be a flood. */
const SOCKETS_PER_HOST_MAX = 64;

const CONNECTION_OPTIONS = { keepAlive: true, maxSockets: SOCKETS_PER_HOST_MAX, maxFreeSockets: 10 } as const;

/** A client for HTTP and HTTPS, or a text that says which file of `tls` can't be read. */
export function createHttpClient(tls: HttpClientTls | null): HttpClient | string {
  try {
    return new NodeHttpClient(tls === null ? {} : readTls(tls));
  } catch (error) {
    return asSystemError(error).message;
  }
}

function readTls(tls: HttpClientTls): AgentOptions {
  return {
    minVersion: `TLSv${tls.min_version}`,
    rejectUnauthorized: !tls.insecure,
    ...(tls.ca_file === "" ? {} : { ca: readTextFile(tls.ca_file) }),
    ...(tls.certificates.length === 0
      ? {}
      : {
          cert: tls.certificates.map(({ cert_file }) => readTextFile(cert_file)),
          key: tls.certificates.map(({ key_file }) => readTextFile(key_file)),
        }),
  };
}

class NodeHttpClient implements HttpClient {
  readonly #plain = new PlainAgent(CONNECTION_OPTIONS);
  readonly #tls: TlsAgent;

  constructor(tls: AgentOptions) {
    this.#tls = new TlsAgent({ ...CONNECTION_OPTIONS, ...tls });
  }

  async get(url: string, limits: HttpLimits): Promise<HttpFetched> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), limits.timeoutMs);
    try {
      return await this.#follow(url, limits.bytesMax, deadline.signal);
    } catch (error) {
      return { ok: false, problem: deadline.signal.aborted ? "timed out" : reasonOf(error) };
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#plain.destroy();
    this.#tls.destroy();
  }

  async #follow(start: string, bytesMax: number, signal: AbortSignal): Promise<HttpFetched> {
    let url = new URL(start);
    for (let redirects = 0; ; redirects++) {
      const response = await this.#request(url, signal);
      const target = redirectTarget(response, url);
      if (target === null) return await readAnswer(response, bytesMax);
      response.destroy();
      if (redirects === REDIRECTS_MAX) throw new Error(`stopped after ${REDIRECTS_MAX} redirects`);
      if (url.protocol === "https:" && target.protocol !== "https:") {
        throw new Error("a redirect leads away from https");
      }
      url = target;
    }
  }

  #request(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const isTls = url.protocol === "https:";
      if (!isTls && url.protocol !== "http:") throw new Error("only http and https are supported");
      const request = isTls
        ? tlsGet(url, { agent: this.#tls, signal }, resolve)
        : plainGet(url, { agent: this.#plain, signal }, resolve);
      request.once("error", reject);
    });
  }
}

/** Where an answer sends the client; null: nowhere. */
function redirectTarget({ statusCode = 0, headers }: IncomingMessage, from: URL): URL | null {
  const isRedirect = [301, 302, 303, 307, 308].includes(statusCode);
  return isRedirect && headers.location !== undefined ? new URL(headers.location, from) : null;
}

/** The whole answer. Throws as soon as it is known to be too large, or when it breaks off. */
async function readAnswer(response: IncomingMessage, bytesMax: number): Promise<HttpFetched> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > bytesMax) throw new Error(`the answer is larger than ${bytesMax} bytes`);
    pieces.push(piece);
  }
  const { statusCode: status = 0, statusMessage: statusText = "" } = response;
  return { ok: true, status, statusText, body: Buffer.concat(pieces, length).toString("utf8") };
}

/** Why it failed. Node's own texts for a bad URL hold none of it. */
function reasonOf(error: unknown): string {
  // A host with several addresses fails with all of their reasons.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const { syscall, code } = asSystemError(first);
  return syscall === undefined || code === "ERR_INVALID_URL"
    ? systemReason(first)
    : `${syscall}: ${systemReason(first)}`;
}
