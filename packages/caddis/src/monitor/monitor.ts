import type { Http, HttpAnswer, HttpListener, HttpRequest } from "../io/http.ts";
import { htmlAnswer, movedTo, notFound } from "./answers.ts";
import { ALIASES, type Endpoint, ENDPOINTS, type MonitoredServer, UNBUILT } from "./endpoints.ts";
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
  #listener: HttpListener | null = null;

  constructor(server: MonitoredServer) {
    this.#server = server;
    this.#base = basePath(server.broker.options.http_base_path);
  }

  /** Listens; gives the address it got. Rejects when the one that is configured can't be had. */
  async start(http: Http): Promise<Address> {
    const { http_host, http_port } = this.#server.broker.options;
    this.#listener = await http.listen(http_host, Math.max(http_port, 0), (request) => this.answer(request));
    return this.#listener;
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

  /** Answers one request. */
  answer({ path, query }: HttpRequest): HttpAnswer {
    const clean = cleanPath(path);
    if (clean !== path) return movedTo(encodeURI(clean) + (query === "" ? "" : `?${toAscii(query)}`));
    const local = this.#localPath(path);
    if (local === ROOT) {
      this.#count(ROOT);
      return htmlAnswer(indexPage(this.#base, ENDPOINTS));
    }
    const endpoint = BY_PATH.get(ALIASES.get(local) ?? local);
    if (endpoint !== undefined) {
      this.#count(endpoint.path);
      return endpoint.answer({ server: this.#server, httpRequests: this.#requests }, new Query(query));
    }
    const part = UNBUILT.get(local);
    return notFound(
      part === undefined ? "404 page not found" : `${local} is not there: ${part} is not supported yet`,
    );
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
