import type { Format } from "./exposition.ts";

const OPENMETRICS = "application/openmetrics-text";
/** Versions of it that ours will do for; none stands for the latest. */
const OPENMETRICS_VERSIONS: ReadonlySet<string> = new Set(["", "0.0.1", "1.0.0"]);
const TEXT_RANGES: ReadonlySet<string> = new Set(["text/plain", "text/*", "*/*"]);

/** Which form whoever sends this Accept header gets: OpenMetrics where it is named and nothing else is wanted more. */
export function acceptedFormat(accept: string): Format {
  let openMetrics = 0;
  let text = 0;
  for (const range of accept.split(",")) {
    const { type, version, quality } = parseRange(range);
    if (type === OPENMETRICS && OPENMETRICS_VERSIONS.has(version))
      openMetrics = Math.max(openMetrics, quality);
    else if (TEXT_RANGES.has(type)) text = Math.max(text, quality);
  }
  return openMetrics > 0 && openMetrics >= text ? "openmetrics" : "text";
}

interface Range {
  readonly type: string;
  readonly version: string;
  /** From 0, not at all, to 1. */
  readonly quality: number;
}

function parseRange(range: string): Range {
  const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
  let version = "";
  let quality = 1;
  for (const parameter of parameters) {
    const [name, value = ""] = parameter.split("=");
    if (name === "version") version = value;
    if (name === "q") quality = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(value) ? Number(value) : 0;
  }
  return { type, version, quality };
}
