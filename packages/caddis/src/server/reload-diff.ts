import { same } from "../base/same.ts";
import { formatDuration } from "../config/duration.ts";
import type { OptionRow, OptionTable } from "../config/option-row.ts";
import { OPTIONS, type Options } from "../config/options.ts";
import { configuredUsers, systemAccountName } from "../auth/authentication-rules.ts";

/** How the options of a running server and others differ. */
export interface OptionsDiff {
  /** The names of those that are others; inside `authorization` as `authorization.user`. */
  readonly changed: ReadonlySet<string>;
  /** What a running server can't change: why the reload fails, in the words of the reference. */
  readonly refused: readonly string[];
}

/**
 * Compares `next` with the options a server runs with. `port`: the one it listens on; null: none. A port that is
 * left to chance stays.
 */
export function diffOptions(current: Options, next: Options, port: number | null): OptionsDiff {
  const changed = new Set<string>();
  const refused: string[] = [];
  const rows = [...comparedRows(OPTIONS, current, next, "")];
  for (const { path, row, before, after } of rows) {
    if (same(before, after)) continue;
    const excuse = EXCUSES[path]?.(current, next, port) ?? jetStreamExcuse(path, current, next);
    if (excuse === "unchanged") continue;
    changed.add(path);
    if (!row.reload && excuse === null) refused.push(refusal(path, row, before, after));
  }
  refused.push(...refusedParts(current, next), ...refusedJetStream(current, next));
  return { changed, refused: [...new Set(refused)] };
}

interface ComparedRow {
  readonly path: string;
  readonly row: OptionRow;
  readonly before: unknown;
  readonly after: unknown;
}

function* comparedRows(
  table: OptionTable,
  current: object,
  next: object,
  prefix: string,
): Generator<ComparedRow> {
  for (const [name, row] of Object.entries(table)) {
    if (row.type === "unsupported" || row.type === "address") continue;
    const before: unknown = Reflect.get(current, name);
    const after: unknown = Reflect.get(next, name);
    const isBlock = row.type === "block" && isObject(before) && isObject(after);
    if (isBlock) yield* comparedRows(row.rows, before, after, `${prefix}${name}.`);
    else yield { path: prefix + name, row, before, after };
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Why an option that a reload can't change may differ all the same: it only looks so, or this once it may. */
type Excuse = "unchanged" | "allowed";

const EXCUSES: Readonly<
  Record<string, (current: Options, next: Options, port: number | null) => Excuse | null>
> = {
  port: (_current, next, port) => (next.port === 0 || next.port === port ? "unchanged" : null),
  // Nobody listens there.
  http_host: (current, next) => (hasMonitoring(current) || hasMonitoring(next) ? null : "unchanged"),
  system_account: (current, next) =>
    systemAccountName(current) === systemAccountName(next) ? "unchanged" : null,
  no_auth_user: (current, next) => {
    const isGone = configuredUsers(next).every(
      ({ user, nkey }) => ![user, nkey].includes(current.no_auth_user),
    );
    return next.no_auth_user === "" && isGone ? "allowed" : null;
  },
  // Said of `store_dir`, which is the same.
  "jetstream.store_dir": () => "unchanged",
};

/** Options of JetStream count for nothing while it is off; the limits of what it stores may grow, and no more. */
function jetStreamExcuse(
  path: string,
  { jetstream: current }: Options,
  { jetstream: next }: Options,
): Excuse | null {
  if (!path.startsWith("jetstream.") && path !== "store_dir" && path !== "feature_flags") return null;
  return current.enabled && next.enabled ? null : "allowed";
}

/** What the reference says about the limits of storage and its folder. */
function refusedJetStream({ jetstream: current }: Options, { jetstream: next }: Options): string[] {
  if (!current.enabled || !next.enabled) return [];
  const refused: string[] = [];
  for (const name of ["max_memory_store", "max_file_store"] as const) {
    const [was, is] = [current[name], next[name]];
    if (was === is) continue;
    if (was < 0) refused.push(`${NOT_SUPPORTED} jetstream dynamic max memory and store`);
    else if (is < 0) refused.push(`${NOT_SUPPORTED} jetstream max memory and max store`);
    else if (is < was) refused.push(`${NOT_SUPPORTED} decreasing jetstream max memory and store`);
  }
  return refused;
}

const NOT_SUPPORTED = "config reload not supported for";

function hasMonitoring({ http_port, https_port }: Options): boolean {
  return http_port !== 0 || https_port !== 0;
}

/** What can't change of options that can. */
function refusedParts(current: Options, next: Options): string[] {
  const refused: string[] = [];
  if ((current.resolver === null) !== (next.resolver === null)) {
    refused.push("config reload does not support moving to or from an account resolver");
  }
  const maps = [current, next].map(({ tls }) => tls?.verify_and_map ?? false);
  if (maps[0] !== maps[1]) refused.push(unsupported("TLSMap", ...maps));
  const listeners = [current, next].map(({ websocket }) => ({
    isSecure: websocket.tls !== null,
    isMapped: websocket.tls?.verify_and_map ?? false,
    pins: websocket.tls?.pinned_certs ?? [],
  }));
  if (!same(listeners[0], listeners[1])) refused.push(unsupported("Websocket"));
  const limits = [current, next].map(({ tls }) => tls?.connection_rate_limit ?? 0);
  if (limits[0] !== limits[1]) refused.push(unsupported("TLSRateLimit", ...limits));
  return refused;
}

/** The names the reference has for options that it does not simply spell in another way. */
const REFERENCE_NAMES: Readonly<Record<string, string>> = {
  max_subscriptions: "MaxSubs",
  max_subscription_tokens: "MaxSubTokens",
  disable_sublist_cache: "NoSublistCache",
  logfile_size_limit: "LogSizeLimit",
  logfile_max_num: "LogMaxFiles",
  http_host: "HTTPHost",
  http_port: "HTTPPort",
  https_port: "HTTPSPort",
  http_base_path: "HTTPBasePath",
  operator: "TrustedOperators",
  trusted: "TrustedKeys",
  allow_non_tls: "AllowNonTLS",
  "jetstream.sync_interval": "SyncInterval",
  "jetstream.domain": "JetStreamDomain",
  "jetstream.encryption_key": "JetStreamKey",
  "jetstream.prev_encryption_key": "JetStreamOldKey",
  "jetstream.cipher": "JetStreamCipher",
  "jetstream.strict": "NoJetStreamStrict",
  "jetstream.max_buffered_size": "StreamMaxBufferedSize",
  "jetstream.max_buffered_msgs": "StreamMaxBufferedMsgs",
  "jetstream.request_queue_limit": "JetStreamRequestQueueLimit",
  "jetstream.info_queue_limit": "JetStreamInfoQueueLimit",
  "jetstream.max_concurrent_io": "JetStreamConcurrentIOs",
};

function refusal(path: string, row: OptionRow, before: unknown, after: unknown): string {
  if (path === "store_dir") return `${NOT_SUPPORTED} jetstream storage directory`;
  // One option to the reference, secrets included.
  if (path.startsWith("websocket.")) return unsupported("Websocket");
  // Keys are not shown.
  if (path.startsWith("jetstream.")) return unsupported(REFERENCE_NAMES[path] ?? spelledOut(path.slice(10)));
  const names = path.replace(/^authorization\./, "").split(".");
  const name = names.map((part) => REFERENCE_NAMES[part] ?? spelledOut(part)).join(".");
  // Texts inside of blocks may be passwords.
  if (row.type === "string" && path.includes(".")) return unsupported(name);
  const show = (value: unknown): unknown =>
    row.type === "duration" && typeof value === "number" ? formatDuration(value) : value;
  return unsupported(name, show(before), show(after));
}

/** `max_pending` as Go would have it: `MaxPending`. */
function spelledOut(name: string): string {
  return name
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

/** Values are shown where they are single ones. */
function unsupported(name: string, before?: unknown, after?: unknown): string {
  const text = `config reload not supported for ${name}`;
  return isSingle(before) && isSingle(after) ? `${text}: old=${before}, new=${after}` : text;
}

function isSingle(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
