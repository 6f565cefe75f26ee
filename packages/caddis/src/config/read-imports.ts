import type { ImportConfig, ServiceImport, StreamImport } from "./accounts.ts";
import type { ImportSourceInput } from "./inputs.ts";
import type { ReadContext } from "./read-context.ts";
import {
  findMembers,
  goType,
  quoted,
  readBool,
  readMembers,
  readText,
  type FoundMembers,
} from "./read-value.ts";
import type { ConfigEntry, ConfigValue } from "./value.ts";

/** The members of an import. */
const SPELLINGS = {
  stream: "stream",
  service: "service",
  prefix: "prefix",
  to: "to",
  share: "share",
  allow_trace: "allow_trace",
} as const;

type Members = FoundMembers<typeof SPELLINGS>;

/** Reads an account's `imports`. */
export function readImports({ value, at }: ConfigEntry, context: ReadContext): ImportConfig[] {
  if (value.kind !== "array") {
    context.report.error(at, `Imports should be an array, got ${goType(value)}`);
    return [];
  }
  const imports: ImportConfig[] = [];
  for (const item of value.items) {
    const found = readImport(item, context);
    if (found === null) continue;
    const problem = found.kind === "service" ? duplicateOf(found, imports) : null;
    if (problem === null) imports.push(found);
    else context.report.error(item.at, problem);
  }
  return imports;
}

/** Null when something was wrong and reported, or when it imports nothing. */
function readImport(item: ConfigValue, context: ReadContext): ImportConfig | null {
  const { report } = context;
  if (item.kind !== "map") {
    report.error(item.at, `Import Items should be a map with type entry, got ${goType(item)}`);
    return null;
  }
  const members = findMembers(item, SPELLINGS, context);
  const { stream, service } = members;
  if (stream !== undefined && service !== undefined) {
    report.error(service.at, "Detected service but already saw a stream");
    return null;
  }
  if (stream !== undefined) return readStream(stream, members, context);
  return service === undefined ? null : readService(service, members, context);
}

function readStream(
  entry: ConfigEntry,
  { prefix, to, share, allow_trace }: Members,
  context: ReadContext,
): StreamImport | null {
  const source = readSource(entry, "Stream", context);
  // A dot behind the prefix is understood.
  const prefixText = optionalText(prefix, context).replace(/\.$/, "");
  const toText = optionalText(to, context);
  optionalBool(share, context);
  const allowsTrace = optionalBool(allow_trace, context);
  if (prefixText !== "" && toText !== "") {
    context.report.error(to?.at ?? null, "Stream import can not have a 'prefix' and a 'to' property");
  }
  if (source === null) return null;
  return { kind: "stream", ...source, prefix: prefixText, to: toText, token: "", allow_trace: allowsTrace };
}

function readService(
  entry: ConfigEntry,
  { prefix, to, share, allow_trace }: Members,
  context: ReadContext,
): ServiceImport | null {
  const source = readSource(entry, "Service", context);
  optionalText(prefix, context);
  const toText = optionalText(to, context);
  const shares = optionalBool(share, context);
  if (allow_trace !== undefined) {
    context.report.error(allow_trace.at, "Detected allow_trace directive on a non-stream");
  }
  if (source === null) return null;
  return { kind: "service", ...source, to: toText, share: shares, token: "" };
}

/** The account and the subject there; null when something was wrong and reported. */
function readSource(
  { value, at }: ConfigEntry,
  kind: string,
  context: ReadContext,
): ImportSourceInput | null {
  const { report } = context;
  if (value.kind !== "map") {
    report.error(at, `${kind} entry should be an account map, got ${goType(value)}`);
    return null;
  }
  const source = { account: "", subject: "" };
  const errors = report.errors.length;
  readMembers(
    value,
    {
      account: (member) => (source.account = readText(member, context) ?? ""),
      subject: (member) => (source.subject = readText(member, context) ?? ""),
    },
    context,
  );
  if (source.account !== "" && source.subject !== "") return source;
  if (report.errors.length === errors) report.error(at, "Expect an account name and a subject");
  return null;
}

function optionalText(entry: ConfigEntry | undefined, context: ReadContext): string {
  return entry === undefined ? "" : (readText(entry, context) ?? "");
}

function optionalBool(entry: ConfigEntry | undefined, context: ReadContext): boolean {
  return entry === undefined ? false : (readBool(entry, context) ?? false);
}

/** What is wrong when one of `imports` takes a service of the same account to the same subject; or null. */
function duplicateOf(service: ServiceImport, imports: readonly ImportConfig[]): string | null {
  const here = localSubject(service);
  for (const other of imports) {
    if (other.kind !== "service" || other.account !== service.account || localSubject(other) !== here)
      continue;
    return (
      `Duplicate service import subject ${quoted(here)}, previously used in import for account ` +
      `${quoted(other.account)}, subject ${quoted(other.subject)}`
    );
  }
  return null;
}

function localSubject({ subject, to }: ServiceImport): string {
  return to === "" ? subject : to;
}
