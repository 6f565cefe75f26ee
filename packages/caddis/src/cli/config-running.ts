import type { Options } from "../config/options.ts";
import { createHttpClient } from "../io/node/http-client.ts";

/** What a running server tells of its configuration, by its monitoring. */
export interface Running {
  /** The options it tells of; all others as in `assumed`. */
  readonly options: Options;
  /** The paths of those it tells of. */
  readonly told: ReadonlySet<string>;
  /** The port it listens on for clients. */
  readonly port: number | null;
  /** Of its configuration file; empty without one. */
  readonly digest: string;
}

/** A server that is not in the mood to answer. */
const TIMEOUT_MS = 5_000;
/** Far above any real answer of `/varz`. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

type Varz = Readonly<Record<string, unknown>>;

/** How an option is told; undefined: it is not. */
type Read = (varz: Varz, assumed: Options) => unknown;

const number =
  (field: string, unit = 1): Read =>
  (varz) =>
    typeof varz[field] === "number" ? varz[field] * unit : undefined;
const NANOSECOND_MS = 1e-6;

/** A port that was left to chance is told as the one that came of it. */
const port =
  (field: "http_port" | "https_port"): Read =>
  (varz, assumed) => {
    const told = varz[field];
    return assumed[field] === -1 && typeof told === "number" && told > 0 ? -1 : told;
  };

/** The options that `/varz` has, of this server and of nats-server. What is left out there is empty or 0. */
const TOLD: Readonly<Record<string, Read>> = {
  server_name: ({ server_name, server_id }, assumed) =>
    server_name === server_id && assumed.server_name === "" ? "" : server_name,
  host: ({ host }) => host,
  port: (varz, assumed) => (assumed.port === 0 ? 0 : varz["port"]),
  max_connections: number("max_connections"),
  max_subscriptions: ({ max_subscriptions }) => max_subscriptions ?? 0,
  ping_interval: number("ping_interval", NANOSECOND_MS),
  ping_max: number("ping_max"),
  http_host: ({ http_host }) => http_host,
  http_port: port("http_port"),
  https_port: port("https_port"),
  http_base_path: ({ http_base_path }) => http_base_path,
  max_control_line: number("max_control_line"),
  max_payload: number("max_payload"),
  max_pending: number("max_pending"),
  write_deadline: number("write_deadline", NANOSECOND_MS),
  server_tags: ({ tags }) => tags ?? [],
  server_metadata: ({ metadata }) => metadata ?? {},
};

/**
 * Asks the server whose monitoring is at `url`. `caFile`: authority for https; empty: those of Node. Rejects with an
 * `Error` for the user. What comes of it is data of a peer: values of another kind than expected count as not told.
 */
export async function askRunning(url: string, caFile: string, assumed: Options): Promise<Running> {
  const varz = await fetchVarz(url, caFile);
  const told = Object.entries(TOLD).flatMap(([path, read]) => {
    const value = read(varz, assumed);
    return sameKind(value, Reflect.get(assumed, path)) ? [[path, value] as const] : [];
  });
  const timeout = varz["auth_timeout"];
  const authorization =
    typeof timeout === "number"
      ? { ...assumed.authorization, timeout: Math.round(timeout * 1_000) }
      : assumed.authorization;
  return {
    options: { ...assumed, ...Object.fromEntries(told), authorization },
    told: new Set([...told.map(([path]) => path), "authorization.timeout"]),
    port: typeof varz["port"] === "number" ? varz["port"] : null,
    digest: typeof varz["config_digest"] === "string" ? varz["config_digest"] : "",
  };
}

async function fetchVarz(url: string, caFile: string): Promise<Varz> {
  const tls = { certificates: [], ca_file: caFile, min_version: "1.2", insecure: false } as const;
  const client = createHttpClient(caFile === "" ? null : tls);
  if (typeof client === "string") throw new Error(client);
  try {
    const answer = await client.get(`${url.replace(/\/+$/, "")}/varz`, {
      timeoutMs: TIMEOUT_MS,
      bytesMax: ANSWER_BYTES_MAX,
    });
    if (!answer.ok) throw new Error(`can't ask the running server: ${answer.problem}`);
    if (answer.status !== 200)
      throw new Error(`the running server answers ${answer.status} ${answer.statusText}`);
    return parseVarz(answer.body);
  } finally {
    client.close();
  }
}

function parseVarz(body: string): Varz {
  let varz: unknown;
  try {
    varz = JSON.parse(body);
  } catch {
    varz = null;
  }
  if (typeof varz === "object" && varz !== null && Object.hasOwn(varz, "server_id")) return { ...varz };
  throw new Error("what answers there is no NATS server's /varz");
}

function sameKind(value: unknown, assumed: unknown): boolean {
  if (value === undefined || typeof value !== typeof assumed) return false;
  if (Array.isArray(assumed)) return Array.isArray(value) && value.every((item) => typeof item === "string");
  return typeof value !== "object" || (value !== null && !Array.isArray(value));
}
