import { formatDuration, parseDuration } from "./duration.ts";
import type { ResolverConfig } from "./operator.ts";
import type { ReadContext } from "./read-context.ts";
import { goType, quoted, readBool, readInt, readMembers, readText } from "./read-value.ts";
import type { ConfigEntry, MapValue } from "./value.ts";

/** Account JWTs a cache keeps, where no other number is given. */
const CACHE_LIMIT = 1_000;
const INTERVAL_MS = 60_000;
/** As nats-server waits for one account's JWT. */
const FETCH_TIMEOUT_MS = 1_900;

const MEMORY = /^\s*(MEM|MEMORY)\s*$/i;
const URL_FORM = /^\s*URL\(\s*"?([^\s"()]*)"?\s*\)\s*$/i;
const WRONG_FORM =
  'error parsing account resolver, should be MEM or  URL("url") or a map containing dir and type state=[FULL|CACHE])';

/** What a map gives; what it leaves out is undefined. */
interface DirectoryFields {
  type: string;
  dir: string;
  allowsDelete: boolean;
  hardDelete: boolean | undefined;
  limit: number;
  ttl: number;
  interval: number;
  timeout: number;
}

/** Reads `resolver`: `MEMORY`, `URL(…)`, or a map for a folder. */
export function readResolver(entry: ConfigEntry, context: ReadContext): ResolverConfig | undefined {
  const { value, at } = entry;
  const { report } = context;
  if (value.kind === "map") return readDirectory(entry, value, context);
  if (value.kind !== "string") {
    return report.error(at, `error parsing operator resolver, wrong type ${goType(value)}`);
  }
  if (MEMORY.test(value.value)) return { type: "memory" };
  const url = URL_FORM.exec(value.value)?.[1];
  if (url === undefined) return report.error(at, WRONG_FORM);
  return (
    urlResolver(url) ?? report.error(at, `error parsing account resolver url [${quoted(withoutSecret(url))}]`)
  );
}

/** The resolver at `url`, account ids being appended to it; null when that is no URL for HTTP. */
export function urlResolver(url: string): ResolverConfig | null {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) return null;
  return { type: "url", url: url.endsWith("/") ? url : `${url}/` };
}

/** Only what stands behind the last `@`: there may be a password in front. */
function withoutSecret(url: string): string {
  return url.slice(url.lastIndexOf("@") + 1);
}

function readDirectory({ at }: ConfigEntry, map: MapValue, context: ReadContext): ResolverConfig | undefined {
  const { report } = context;
  const errors = report.errors.length;
  const fields = readFields(map, context);
  if (report.errors.length > errors) return undefined;
  switch (fields.type.toUpperCase()) {
    case "MEM":
    case "MEMORY":
      return { type: "memory" };
    case "FULL":
      for (const problem of problemsOfFull(fields)) report.error(at, problem);
      return fullResolver(fields);
    case "CACHE":
      for (const problem of problemsOfCache(fields)) report.error(at, problem);
      return cacheResolver(fields);
    default:
      return report.error(at, WRONG_FORM);
  }
}

function readFields(map: MapValue, context: ReadContext): DirectoryFields {
  const fields: DirectoryFields = {
    type: "",
    dir: "",
    allowsDelete: false,
    hardDelete: undefined,
    limit: 0,
    ttl: 0,
    interval: 0,
    timeout: FETCH_TIMEOUT_MS,
  };
  readMembers(
    map,
    {
      type: (entry) => (fields.type = readText(entry, context) ?? ""),
      dir: (entry) => (fields.dir = readText(entry, context) ?? ""),
      allow_delete: (entry) => (fields.allowsDelete = readBool(entry, context) ?? false),
      hard_delete: (entry) => (fields.hardDelete = readBool(entry, context)),
      limit: (entry) => (fields.limit = readInt(entry, context) ?? 0),
      ttl: (entry) => (fields.ttl = readDuration(entry, context)),
      interval: (entry) => (fields.interval = readDuration(entry, context)),
      timeout: (entry) => {
        fields.timeout = readDuration(entry, context);
        if (fields.timeout > 0) return;
        context.report.error(entry.at, `Fetch timeout ${formatDuration(fields.timeout)} is too small`);
      },
    },
    context,
  );
  return fields;
}

function readDuration({ key, value, at }: ConfigEntry, { report }: ReadContext): number {
  if (value.kind !== "string") {
    report.error(at, `"${key}" must be a duration such as "30s"`);
    return 1;
  }
  const duration = parseDuration(value.value);
  if (!("problem" in duration)) return duration.ms;
  report.error(at, duration.problem);
  return 1;
}

function problemsOfFull({ dir, ttl, allowsDelete, hardDelete }: DirectoryFields): string[] {
  const problems: string[] = [];
  if (dir === "") problems.push("dir has no value and needs to point to a directory");
  if (ttl !== 0) problems.push("FULL does not accept ttl");
  if (hardDelete !== undefined && !allowsDelete) problems.push("hard_delete has no effect without delete");
  return problems;
}

function problemsOfCache({ dir, interval, allowsDelete, hardDelete }: DirectoryFields): string[] {
  const problems: string[] = [];
  if (dir === "") problems.push("dir has no value and needs to point to a directory");
  if (interval !== 0) problems.push("CACHE does not accept sync");
  if (allowsDelete) problems.push("CACHE does not accept allow_delete");
  if (hardDelete !== undefined) problems.push("CACHE does not accept hard_delete");
  return problems;
}

function fullResolver({
  dir,
  allowsDelete,
  hardDelete,
  limit,
  interval,
  timeout,
}: DirectoryFields): ResolverConfig {
  return {
    type: "full",
    dir,
    allow_delete: allowsDelete,
    hard_delete: hardDelete ?? false,
    limit: limit > 0 ? limit : -1,
    interval: interval > 0 ? interval : INTERVAL_MS,
    timeout,
  };
}

function cacheResolver({ dir, limit, ttl, timeout }: DirectoryFields): ResolverConfig {
  return { type: "cache", dir, limit: limit > 0 ? limit : CACHE_LIMIT, ttl: Math.max(ttl, 0), timeout };
}
