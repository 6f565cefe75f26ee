import type { ExportApproval, ExportConfig, LatencyConfig, ResponseType } from "./accounts.ts";
import { parseDuration } from "./duration.ts";
import type { ReadContext } from "./read-context.ts";
import {
  findMembers,
  goType,
  quoted,
  readBool,
  readInt,
  readText,
  readTextList,
  type FoundMembers,
} from "./read-value.ts";
import type { ConfigEntry, ConfigValue } from "./value.ts";

/** How long an answer is waited for, where nothing is said. */
const RESPONSE_THRESHOLD_MS = 120_000;

/** The members of an export, by all their spellings. */
const SPELLINGS = {
  stream: "stream",
  service: "service",
  accounts: "accounts",
  account_token_position: "account_token_position",
  response: "response_type",
  response_type: "response_type",
  threshold: "response_threshold",
  response_threshold: "response_threshold",
  response_max_time: "response_threshold",
  response_time: "response_threshold",
  latency: "latency",
  allow_trace: "allow_trace",
} as const;

type Members = FoundMembers<typeof SPELLINGS>;

const RESPONSE_TYPES: ReadonlyMap<string, ResponseType> = new Map([
  ["single", "singleton"],
  ["singleton", "singleton"],
  ["stream", "stream"],
  ["chunk", "chunked"],
  ["chunked", "chunked"],
]);

/** What only services have, and how error texts call it. */
const SERVICE_DIRECTIVES = [
  ["response_type", "response"],
  ["response_threshold", "response"],
  ["latency", "latency"],
  ["allow_trace", "allow_trace"],
] as const;

/** Reads an account's `exports`. */
export function readExports({ value, at }: ConfigEntry, context: ReadContext): ExportConfig[] {
  if (value.kind !== "array") {
    context.report.error(at, `Exports should be an array, got ${goType(value)}`);
    return [];
  }
  return value.items.map((item) => readExport(item, context)).filter((found) => found !== null);
}

/** Null when something was wrong and reported, or when it exports nothing. */
function readExport(item: ConfigValue, context: ReadContext): ExportConfig | null {
  const { report } = context;
  if (item.kind !== "map") {
    report.error(item.at, `Export Items should be a map with type entry, got ${goType(item)}`);
    return null;
  }
  const members = findMembers(item, SPELLINGS, context, (canonical) =>
    canonical === "response_type"
      ? "Duplicate response type definition"
      : canonical === "response_threshold"
        ? "Duplicate response threshold detected"
        : null,
  );
  const { stream, service } = members;
  if (stream !== undefined && service !== undefined) {
    report.error(service.at, `Detected service ${subjectShown(service)} but already saw a stream`);
    return null;
  }
  if (stream !== undefined) return readStream(stream, members, context);
  return service === undefined ? null : readService(service, members, context);
}

function readStream(stream: ConfigEntry, members: Members, context: ReadContext): ExportConfig | null {
  for (const [name, called] of SERVICE_DIRECTIVES) {
    const member = members[name];
    if (member !== undefined) context.report.error(member.at, `Detected ${called} directive on non-service`);
  }
  const subject = readSubject(stream, "stream", context);
  return { kind: "stream", subject, ...readAudience(members, context) };
}

function readService(service: ConfigEntry, members: Members, context: ReadContext): ExportConfig {
  const { response_type, response_threshold, latency, allow_trace } = members;
  return {
    kind: "service",
    subject: readSubject(service, "service", context),
    ...readAudience(members, context),
    response_type: response_type === undefined ? "singleton" : readResponseType(response_type, context),
    response_threshold:
      response_threshold === undefined ? RESPONSE_THRESHOLD_MS : readThreshold(response_threshold, context),
    latency: latency === undefined ? null : readLatency(latency, context),
    allow_trace: allow_trace === undefined ? false : (readBool(allow_trace, context) ?? false),
  };
}

/** Who may import it. As in nats-server an empty list of accounts makes it public. */
function readAudience(
  { accounts, account_token_position }: Members,
  context: ReadContext,
): { approval: ExportApproval; account_token_position: number } {
  const names = accounts === undefined ? [] : (readTextList(accounts, context) ?? []);
  return {
    approval: names.length === 0 ? { kind: "public" } : { kind: "accounts", accounts: names },
    account_token_position:
      account_token_position === undefined ? 0 : (readInt(account_token_position, context) ?? 0),
  };
}

function readSubject({ value, at }: ConfigEntry, kind: string, { report }: ReadContext): string {
  if (value.kind === "string") return value.value;
  report.error(at, `Expected ${kind} name to be string, got ${goType(value)}`);
  return "";
}

function subjectShown({ value }: ConfigEntry): string {
  return value.kind === "string" ? quoted(value.value) : goType(value);
}

function readResponseType({ value, at }: ConfigEntry, { report }: ReadContext): ResponseType {
  if (value.kind !== "string") {
    report.error(at, `Expected response type to be string, got ${goType(value)}`);
    return "singleton";
  }
  const type = RESPONSE_TYPES.get(value.value.toLowerCase());
  if (type === undefined) report.error(at, `Unknown response type: ${quoted(value.value)}`);
  return type ?? "singleton";
}

function readThreshold({ value, at }: ConfigEntry, { report }: ReadContext): number {
  const duration = value.kind === "string" ? parseDuration(value.value) : null;
  if (duration === null || "problem" in duration) {
    const got = value.kind === "string" ? quoted(value.value) : goType(value);
    report.error(at, `Expected response threshold to be a parseable time duration, got ${got}`);
    return RESPONSE_THRESHOLD_MS;
  }
  if (duration.ms < 0) report.error(at, "response threshold needs to be positive");
  return duration.ms === 0 ? RESPONSE_THRESHOLD_MS : duration.ms;
}

/** A subject, or a map with `subject` and `sampling`. */
function readLatency({ value, at }: ConfigEntry, context: ReadContext): LatencyConfig | null {
  const { report } = context;
  if (value.kind === "string") return { subject: value.value, sampling: 100 };
  if (value.kind !== "map") {
    report.error(at, `Expected latency entry to be a map/struct or string, got ${goType(value)}`);
    return null;
  }
  const { subject, sampling } = findMembers(
    value,
    { subject: "subject", sampling: "sampling" } as const,
    context,
  );
  const share = sampling === undefined ? 100 : readSampling(sampling, context);
  if (subject === undefined) {
    report.error(at, "Latency subject required, but missing");
    return null;
  }
  if (subject.value.kind !== "string") {
    report.error(subject.at, `Expected latency subject to be a string, got ${goType(subject.value)}`);
    return null;
  }
  return { subject: readText(subject, context) ?? "", sampling: share };
}

/** A percentage, as a number or text with or without `%`; or `headers`. */
function readSampling({ value, at }: ConfigEntry, { report }: ReadContext): number | "headers" {
  if (value.kind !== "int" && value.kind !== "string") {
    report.error(at, `Expected latency sample to be a string or map/struct, got ${goType(value)}`);
    return 100;
  }
  const text = String(value.value);
  if (text.trim().toLowerCase() === "headers") return "headers";
  const digits = text.replace(/%$/, "");
  if (!/^[+-]?\d+$/.test(digits)) {
    const reason = `strconv.Atoi: parsing ${quoted(digits)}: invalid syntax`;
    report.error(at, `Failed to parse latency sample: ${reason}`);
    return 100;
  }
  const sampling = Number(digits);
  if (sampling < 1 || sampling > 100) report.error(at, "bad sampling percentage, should be 1-100");
  return sampling;
}
