import { gauge, type Labels, type NumberFamily } from "./family.ts";

/**
 * The names that prometheus-nats-exporter, which reads the answers of monitoring, gives to what stands in them, so
 * that dashboards and alerts made for it find their figures here. It calls everything a gauge, counts as well.
 */

/** Parts that it leaves out, and parts whose names would clash with its figures about these subjects. */
const SKIPPED: ReadonlySet<string> = new Set([
  "leaf",
  "trusted_operators_claim",
  "cluster_tls_timeout",
  "cluster_cluster_port",
  "cluster_auth_timeout",
  "gateway_port",
  "gateway_auth_timeout",
  "gateway_tls_timeout",
  "gateway_connect_retries",
]);

/** Texts that it shows: as a label of a figure that is 1, or as milliseconds where they are times. */
const SHOWN_TEXTS: ReadonlySet<string> = new Set([
  "server_id",
  "server_name",
  "version",
  "domain",
  "leader",
  "name",
  "start",
  "config_load_time",
]);

/** What Prometheus takes for the name of a metric, without colons, which are for rules. */
const METRIC_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** The figures in `view`, the answer of the endpoint with this name, as `<prefix>_<endpoint>_<field>_<field of that>`. */
export function viewFamilies(prefix: string, endpoint: string, labels: Labels, view: object): NumberFamily[] {
  // Two fields may come to the same name: the first one has it.
  const found = new Map<string, NumberFamily>();
  for (const { name, value, text } of figuresOf(view, [])) {
    const full = `${prefix}_${endpoint}_${name}`;
    if (name === "" || found.has(full) || !METRIC_NAME.test(full)) continue;
    found.set(full, gauge(full, name, text === undefined ? labels : { ...labels, value: text }, value));
  }
  return [...found.values()];
}

interface Figure {
  readonly name: string;
  readonly value: number;
  /** Where a text is what counts. */
  readonly text?: string;
}

function* figuresOf(view: object, path: readonly string[]): Generator<Figure> {
  for (const [field, value] of Object.entries(view)) {
    const name = [...path, field]
      .join("_")
      .replaceAll("/", "_")
      .replaceAll(/_+/g, "_")
      .replaceAll(/^_|_$/g, "");
    if (SKIPPED.has(name)) continue;
    if (typeof value === "number") yield { name, value };
    else if (typeof value === "string") yield* textFigure(field, name, value);
    else if (typeof value === "object" && value !== null && !isList(value))
      yield* figuresOf(value, [...path, field]);
  }
}

function* textFigure(field: string, name: string, text: string): Generator<Figure> {
  if (!SHOWN_TEXTS.has(field)) return;
  const timeMs = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs)) yield { name, value: 1, text };
  else yield { name, value: timeMs };
}

function isList(value: object): boolean {
  return Symbol.iterator in value;
}
