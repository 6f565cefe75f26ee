import type { LatencyConfig } from "../config/accounts.ts";
import type { Random } from "../io/random.ts";
import { fromWireString } from "../subject/subject.ts";
import { fieldsOf } from "./header-block.ts";
import type { TraceHeaders } from "./service-latency.ts";

/** From this share on every request is measured. */
const ALL_PERCENT = 100;

type Fields = ReadonlyMap<string, readonly string[]>;

/**
 * Whether a request with this header block (a wire string) is measured: null when not, else the fields that
 * asked for it, none where the share did. A share that does not draw a request still leaves it to its headers.
 */
export function sampledHeaders(
  sampling: LatencyConfig["sampling"],
  block: string,
  random: Random,
): TraceHeaders | null {
  if (sampling !== "headers" && (sampling >= ALL_PERCENT || random.below(ALL_PERCENT) < sampling)) return {};
  if (block === "") return null;
  const fields = fieldsOf(block);
  return uber(fields) ?? zipkin(fields) ?? b3(fields) ?? traceContext(fields);
}

/** Jaeger's: `id:span:parent:flags`, the last bit of the flags says "sampled". Where it is, it alone decides. */
function uber(fields: Fields): TraceHeaders | null {
  const value = first(fields, "Uber-Trace-Id");
  if (value === undefined) return null;
  const flags = value.split(":");
  const isSampled = flags.length === 4 && /^[0-9a-f]?[13579bdf]$/i.test(flags[3]);
  if (!isSampled) return null;
  const context = [...fields.keys()].filter((name) => name.startsWith("Uberctx-"));
  return pick(fields, ["Uber-Trace-Id", ...context]);
}

/** Zipkin's several fields: sampled when they say so, or leave it to the receiver. */
function zipkin(fields: Fields): TraceHeaders | null {
  if (fields.has("Uber-Trace-Id")) return null;
  const sampled = first(fields, "X-B3-Sampled");
  const isSampled = sampled === "1" || (sampled !== "0" && fields.has("X-B3-Traceid"));
  if (!isSampled) return null;
  return pick(fields, ["X-B3-Sampled", "X-B3-Traceid", "X-B3-Parentspanid", "X-B3-Spanid"]);
}

/** Zipkin's single field, `id-span-sampled-parent` or just `0`. */
function b3(fields: Fields): TraceHeaders | null {
  const value = first(fields, "B3");
  if (value === undefined || fields.has("Uber-Trace-Id") || first(fields, "X-B3-Sampled") === "0")
    return null;
  const parts = value.split("-");
  const isDenied = parts.length === 1 ? parts[0] === "0" : parts[2] === "0";
  return isDenied ? null : pick(fields, ["B3"]);
}

/** W3C's `version-id-parent-flags`. */
function traceContext(fields: Fields): TraceHeaders | null {
  const value = first(fields, "Traceparent");
  if (value === undefined || ["Uber-Trace-Id", "B3"].some((name) => fields.has(name))) return null;
  if (first(fields, "X-B3-Sampled") === "0") return null;
  const parts = value.split("-");
  const isSampled = parts.length === 4 && /^[0-7][13579bdf]$/i.test(parts[3]);
  return isSampled ? pick(fields, ["Traceparent", "Tracestate"]) : null;
}

function first(fields: Fields, name: string): string | undefined {
  return fields.get(name)?.[0];
}

/** Those of `names` that are there, in the order of names, as texts. */
function pick(fields: Fields, names: readonly string[]): TraceHeaders {
  const picked = names.toSorted().flatMap((name) => {
    const values = fields.get(name);
    return values === undefined ? [] : [[name, values.map(fromWireString)] as const];
  });
  return Object.fromEntries(picked);
}
