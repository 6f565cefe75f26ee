import type { Http, HttpAnswer, HttpListener, HttpRequest } from "../io/http.ts";
import type { TlsContext } from "../io/tls.ts";
import { ServerMetrics } from "../metrics/server-metrics.ts";
import { htmlAnswer, internalError, movedTo, notFound } from "./answers.ts";
import type { Endpoint, MonitoredServer } from "./endpoint.ts";
import { ALIASES, ENDPOINTS } from "./endpoints.ts";
import { indexPage } from "./index-page.ts";
import { basePath, cleanPath } from "./path.ts";
import { Query } from "./query.ts";

const ROOT = "/";

const BY_PATH: ReadonlyMap<string, Endpoint> = new Map(
  ENDPOINTS.map((endpoint) => [endpoint.path, endpoint]),
);

/** Where it listens. */
export type Address = Omit<HttpListener, "close">;

/** Monitoring of one server over HTTP. */
export class Monitor {
  readonly #server: MonitoredServer;
  /** What all paths begin with; empty for nothing. */
  readonly #base: string;
  /** Requests by endpoint. */
  readonly #requests = new Map<string, number>();
  readonly #metrics: ServerMetrics;
  #listener: HttpListener | null = null;

  constructor(server: MonitoredServer) {
    this.#server = server;
    this.#metrics = new ServerMetrics(server);
    this.#base = basePath(server.broker.options.http_base_path);
  }

  /**
   * Listens; gives the address it got. Rejects when the one that is configured can't be had. `tls`: for HTTPS, as
   * `Http.listen` takes it.
   */
  async start(http: Http, tls?: () => TlsContext | null): Promise<Address> {
    const { http_host, http_port, https_port } = this.#server.broker.options;
    const port = Math.max(tls === undefined ? http_port : https_port, 0);
    this.#listener = await http.listen(http_host, port, (request) => this.answer(request), tls);
    return this.#listener;
  }

  /** Requests by endpoint. */
  get requests(): ReadonlyMap<string, number> {
    return this.#requests;
  }

  /** Null while it does not listen. */
  get address(): Address | null {
    return this.#listener;
  }

  /** Ends all its connections at once. */
  async close(): Promise<void> {
    const listener = this.#listener;
    this.#listener = null;
    await listener?.close();
  }

  /** Answers one request. A fault of ours costs one answer and a line in the log, and the server nothing. */
  answer(request: HttpRequest): HttpAnswer | Promise<HttpAnswer> {
    try {
      const answered = this.#route(request);
      if (!(answered instanceof Promise)) return this.#guarded(answered);
      return answered.then(
        (late) => this.#guarded(late),
        (error: unknown) => this.#onFault(error),
      );
    } catch (error) {
      return this.#onFault(error);
    }
  }

  #route(request: HttpRequest): HttpAnswer | Promise<HttpAnswer> {
    const { path, query: text } = request;
    const clean = cleanPath(path);
    if (clean !== path) return movedTo(encodeURI(clean) + (text === "" ? "" : `?${toAscii(text)}`));
    const local = this.#localPath(path);
    if (local === ROOT) {
      this.#count(ROOT);
      return htmlAnswer(indexPage(this.#base, ENDPOINTS));
    }
    const endpoint = BY_PATH.get(ALIASES.get(local) ?? local);
    if (endpoint === undefined) return notFound();
    const query = new Query(text);
    if (endpoint.counted === "all") this.#count(endpoint.path);
    const monitored = { server: this.#server, httpRequests: this.#requests, metrics: this.#metrics };
    const answer = endpoint.answer(monitored, query, request);
    if (endpoint.counted === "readable" && query.problem === null) this.#count(endpoint.path);
    return answer;
  }

  /** `answer` with a body that ends early instead of failing. */
  #guarded(answer: HttpAnswer): HttpAnswer {
    return Array.isArray(answer.body) ? answer : { ...answer, body: this.#unfailing(answer.body) };
  }

  *#unfailing(body: Iterable<string>): Generator<string> {
    try {
      yield* body;
    } catch (error) {
      this.#onFault(error);
    }
  }

  #onFault(error: unknown): HttpAnswer {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#server.broker.log.error(`monitoring: ${text}`);
    return internalError();
  }

  /** The path behind the base path; empty when it does not begin with that. */
  #localPath(path: string): string {
    if (this.#base === "") return path;
    if (path === this.#base) return ROOT;
    const rest = path.startsWith(`${this.#base}/`) ? path.slice(this.#base.length) : "";
    return rest === ROOT ? "" : rest;
  }

  #count(path: string): void {
    this.#requests.set(path, (this.#requests.get(path) ?? 0) + 1);
  }
}

/** A query as a header may hold it: what is not ASCII escaped, what is escaped already left alone. */
function toAscii(query: string): string {
  return query.replaceAll(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character));
}
