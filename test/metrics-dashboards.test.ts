/** The dashboard and the alert rules that come along ask for figures that there are, and so do those of others. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { makeCa, makeCertificate } from "./support/certificates.ts";
import { MonitoredScene } from "./support/monitored-scene.ts";
import { parseOpenMetrics } from "./support/openmetrics.ts";

const DOCS = join(import.meta.dirname, "../docs");
const DASHBOARD = join(DOCS, "grafana/caddis.json");
const RULES = join(DOCS, "alerts/caddis.yaml");
const RULES_TEST = join(DOCS, "alerts/caddis.test.yaml");

/** What the dashboards of prometheus-nats-exporter show of a server without JetStream. */
const EXPORTER_DASHBOARD = [
  "gnatsd_varz_connections",
  "gnatsd_varz_cpu",
  "gnatsd_varz_in_bytes",
  "gnatsd_varz_in_msgs",
  "gnatsd_varz_mem",
  "gnatsd_varz_out_bytes",
  "gnatsd_varz_out_msgs",
  "gnatsd_varz_slow_consumers",
  "gnatsd_varz_subscriptions",
];

/** Names of samples of a server that has everything on. */
async function names(): Promise<ReadonlySet<string>> {
  const folder = mkdtempSync(join(tmpdir(), "caddis-dashboards-"));
  const { pem, keyPem } = makeCertificate({ ca: makeCa(), dns: ["h.example"] });
  const [cert_file, key_file] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(cert_file, pem);
  writeFileSync(key_file, keyPem);
  const scene = await MonitoredScene.start({ tls: { cert_file, key_file } });
  rmSync(folder, { recursive: true });
  const { body } = await scene.monitor.answer({
    path: "/metrics",
    query: "",
    accept: "application/openmetrics-text",
  });
  await scene.stop();
  const families = [...parseOpenMetrics([...body].join("")).values()];
  return new Set(families.flatMap(({ samples }) => samples.map(({ name }) => name)));
}

/** Names of figures in expressions. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/\b(?:gnatsd|caddis)_[a-z0-9_]+/g)].map(([name]) => name);
}

/** The values of `key` anywhere in `json`. */
function valuesOf(json: unknown, key: string): string[] {
  if (typeof json !== "object" || json === null) return [];
  return Object.entries(json).flatMap(([name, value]: [string, unknown]) =>
    name === key && typeof value === "string" ? [value] : valuesOf(value, key),
  );
}

/** Runs promtool; null where there is none. */
function promtool(...parameters: string[]): { readonly ok: boolean; readonly output: string } | null {
  const { error, status, stdout, stderr } = spawnSync("promtool", parameters, { encoding: "utf8" });
  return error === undefined ? { ok: status === 0, output: stdout + stderr } : null;
}

describe("figures that dashboards and rules ask for", () => {
  let known: ReadonlySet<string>;
  before(async () => {
    known = await names();
  });

  test("the dashboard's", () => {
    const expressions = valuesOf(JSON.parse(readFileSync(DASHBOARD, "utf8")), "expr");
    assert.ok(expressions.length > 20);
    for (const expression of expressions) {
      const asked = namesIn(expression);
      assert.ok(asked.length > 0, expression);
      for (const name of asked) assert.ok(known.has(name), name);
    }
  });

  test("the rules'", () => {
    const asked = namesIn(readFileSync(RULES, "utf8"));
    assert.ok(asked.length > 8);
    for (const name of asked) assert.ok(known.has(name), name);
  });

  test("the exporter's dashboard's", () => {
    for (const name of EXPORTER_DASHBOARD) assert.ok(known.has(name), name);
  });
});

test("panels do not overlap, and each has its own number", () => {
  const { panels } = JSON.parse(readFileSync(DASHBOARD, "utf8")) as {
    readonly panels: readonly {
      readonly id: number;
      readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    }[];
  };
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Set<string>();
  for (const { gridPos } of panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(x < 24 && !taken.has(`${x} ${y}`), `${x} ${y}`);
        taken.add(`${x} ${y}`);
      }
    }
  }
});

test("promtool takes the rules, and they fire when they should", (t) => {
  const checked = promtool("check", "rules", RULES);
  const tried = promtool("test", "rules", RULES_TEST);
  if (checked === null || tried === null) {
    t.skip("no promtool on PATH");
    return;
  }
  assert.ok(checked.ok, checked.output);
  assert.ok(tried.ok, tried.output);
});
