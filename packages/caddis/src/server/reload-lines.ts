import { formatDuration } from "../config/duration.ts";
import type { OptionTable } from "../config/option-row.ts";
import { OPTIONS, type Options } from "../config/options.ts";
import { same } from "../base/same.ts";
import { friendlyBytes } from "./friendly-bytes.ts";
import { configuredUsers } from "../auth/authentication-rules.ts";

/** What the log says of a reload, line by line: what is other now, as the reference puts it. Nothing secret. */
export function reloadedLines(
  current: Options,
  next: Options,
  changed: ReadonlySet<string>,
): readonly string[] {
  const lines = [...changed].flatMap((path) => LINES[path]?.(next) ?? plainLine(path, next));
  if ([...changed].some((path) => path.startsWith("jetstream.limits.")))
    lines.push("Reloaded: JetStream limits");
  lines.push(...tlsLines(current, next), ...proxyLines(current, next));
  if (nkeysOf(current) !== nkeysOf(next)) lines.push("Reloaded: authorization nkey users");
  // Said of every reload: users and accounts are always gone through.
  lines.push("Reloaded: authorization users", "Reloaded: accounts");
  return lines;
}

type Line = (next: Options) => string | readonly string[];

/** Options that are not spoken of by name and value. What is no single value is part of other lines. */
const LINES: Readonly<Record<string, Line>> = {
  client_advertise: ({ client_advertise }) => `Reload: client_advertise = ${client_advertise}`,
  no_fast_producer_stall: ({ no_fast_producer_stall: no }) =>
    `Reloaded: fast producers will ${no ? "not " : ""}be stalled`,
  server_tags: () => "Reloaded: tags",
  server_metadata: () => "Reloaded: metadata",
  "authorization.user": () => "Reloaded: authorization username",
  "authorization.password": () => "Reloaded: authorization password",
  "authorization.token": () => "Reloaded: authorization token",
  "authorization.timeout": ({ authorization }) =>
    `Reloaded: authorization timeout = ${authorization.timeout / 1_000}`,
  // A token that is as good as a password.
  default_sentinel: () => "Reloaded: default_sentinel",
  "jetstream.enabled": () => "Reloaded: JetStream",
  "jetstream.max_memory_store": ({ jetstream }) =>
    `Reloaded: JetStream max_mem_store = ${friendlyBytes(jetstream.max_memory_store)}`,
  "jetstream.max_file_store": ({ jetstream }) =>
    `Reloaded: JetStream max_file_store = ${friendlyBytes(jetstream.max_file_store)}`,
  ocsp: () => "Reloaded: OCSP",
  ocsp_cache: () => "Reloaded OCSP peer cache",
  no_auth_user: () => [],
};

/** Only of single values: what else an option may hold is not for the log. */
function plainLine(path: string, next: Options): string | readonly string[] {
  const table: OptionTable = OPTIONS;
  const type = Object.hasOwn(table, path) ? table[path].type : null;
  const value: unknown = Reflect.get(next, path);
  if (type === "duration" && typeof value === "number") return `Reloaded: ${path} = ${formatDuration(value)}`;
  return type !== null && PLAIN_TYPES.has(type) ? `Reloaded: ${path} = ${String(value)}` : [];
}

const PLAIN_TYPES: ReadonlySet<string> = new Set(["int", "size", "bool", "string", "choice"]);

/** Files are read again with every reload: TLS is always spoken of where there is some. */
function tlsLines({ tls: before }: Options, { tls: after }: Options): string[] {
  if (before === null && after === null) return [];
  const lines = [`Reloaded: tls = ${after === null ? "disabled" : "enabled"}`];
  if (before === null || after === null) return lines;
  if (before.timeout !== after.timeout) lines.push(`Reloaded: tls timeout = ${after.timeout / 1_000}`);
  if (!same(before.pinned_certs, after.pinned_certs)) {
    lines.push(`Reloaded: ${after.pinned_certs.length} pinned_certs`);
  }
  const [was, is] = [before, after].map(({ handshake_first: first }) => ({
    isFirst: first !== "never",
    delay: formatDuration(typeof first === "object" ? first.waitMs : 0),
  }));
  if (was.isFirst !== is.isFirst) lines.push(`Reloaded: Client TLS handshake first: ${is.isFirst}`);
  if (was.delay !== is.delay) {
    lines.push(`Reloaded: Client TLS handshake first fallback delay: ${is.delay}`);
  }
  return lines;
}

function proxyLines({ proxies: before }: Options, { proxies: after }: Options): string[] {
  const listed = (keys: readonly string[]): string => `[${keys.map((key) => JSON.stringify(key)).join(" ")}]`;
  const removed = before.filter((key) => !after.includes(key));
  const added = after.filter((key) => !before.includes(key));
  const lines: string[] = [];
  if (removed.length > 0) lines.push(`Reloaded: proxies trusted keys ${listed(removed)} were removed`);
  if (added.length > 0) lines.push(`Reloaded: proxies trusted keys ${listed(added)} were added`);
  return lines;
}

/** The users with nkeys, comparable. */
function nkeysOf(options: Options): string {
  return JSON.stringify(configuredUsers(options).filter(({ nkey }) => nkey !== ""));
}
