import { isValidLiteralSubject, toWireString } from "../subject/subject.ts";
import type { TraceConfig } from "./accounts.ts";
import type { ReadContext } from "./read-context.ts";
import { goType, quoted, readMembers } from "./read-value.ts";
import type { ConfigEntry } from "./value.ts";

/** Of the messages that may be traced, in percent, where nothing is said. */
const ALL = 100;

/**
 * Reads `msg_trace` (also spelled `trace_dest`) of an account: a subject, or a map with `dest` and `sampling`, in the
 * reference's words where something is wrong. Undefined: nothing is traced.
 */
export function readMsgTrace(entry: ConfigEntry, context: ReadContext): TraceConfig | undefined {
  const { report } = context;
  const { key, value, at } = entry;
  if (value.kind === "string") {
    const dest = readDestination(entry, context);
    return dest === undefined ? undefined : { dest, sampling: ALL };
  }
  if (value.kind !== "map") {
    return report.error(
      at,
      `Expected account message trace ${quoted(key)} to be a string or a map/struct, got ${goType(value)}`,
    );
  }
  let dest: string | undefined;
  let sampling: number | undefined;
  const errors = report.errors.length;
  readMembers(
    value,
    {
      dest: (member) => (dest = readDestination(member, context)),
      sampling: (member) => (sampling = readSampling(member, context)),
    },
    context,
    (unknown) => `Unknown field ${quoted(unknown)} parsing account message trace map/struct ${quoted(key)}`,
  );
  if (report.errors.length > errors) return undefined;
  if (dest !== undefined) return { dest, sampling: sampling ?? ALL };
  if (sampling !== undefined) {
    report.warn(at, "Trace destination sampling ignored since no destination was set");
  }
  return undefined;
}

function readDestination({ key, value, at }: ConfigEntry, { report }: ReadContext): string | undefined {
  if (value.kind !== "string") {
    return report.error(at, `Field ${quoted(key)} should be a string, got ${goType(value)}`);
  }
  if (isValidLiteralSubject(toWireString(value.value))) return value.value;
  return report.error(at, `Trace destination ${quoted(value.value)} is not valid`);
}

/** A percentage, as a number or text with or without `%`. */
function readSampling({ key, value, at }: ConfigEntry, { report }: ReadContext): number | undefined {
  if (value.kind !== "int" && value.kind !== "string") {
    return report.error(
      at,
      `Trace destination sampling field ${quoted(key)} should be an integer or a percentage, got ${goType(value)}`,
    );
  }
  const digits = value.kind === "int" ? String(value.value) : value.value.replace(/%$/, "");
  if (!/^[+-]?\d+$/.test(digits)) {
    return report.error(at, `Invalid trace destination sampling value ${quoted(String(value.value))}`);
  }
  const sampling = Number(digits);
  if (sampling >= 1 && sampling <= 100) return sampling;
  return report.error(at, `Trace destination sampling value ${sampling} is invalid, needs to be [1..100]`);
}
