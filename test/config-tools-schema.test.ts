/** The JSON schema against the server's own reading, by an independent validator. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createAccount, createUser } from "@nats-io/nkeys";
import { Ajv } from "ajv";
import * as fc from "fast-check";
import { loadConfig } from "../packages/caddis/src/config/load.ts";
import type { OptionRow, OptionTable } from "../packages/caddis/src/config/option-row.ts";
import { OPTIONS } from "../packages/caddis/src/config/options.ts";
import { configSchema } from "../packages/caddis/src/config/schema.ts";

const validate = new Ajv({ strict: true, strictTypes: false, allowMatchingProperties: true }).compile(
  configSchema(),
);

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

function isValid(config: Json): boolean {
  return validate(config);
}

/** What a server has against it, apart from how options go together. */
function problemsOf(config: Json): readonly string[] {
  const { errors, unsupported } = loadConfig(JSON.stringify(config), {
    file: "a.json",
    readFile: (path) => {
      throw new Error(`open ${path}: no such file or directory`);
    },
    env: () => undefined,
  });
  return [...errors, ...unsupported];
}

const ACCOUNT = createAccount().getPublicKey();
const USER = createUser().getPublicKey();

/** Configurations as people write them, each with options of its own kind. */
const GOOD: Readonly<Record<string, Json>> = {
  "nothing but numbers": { port: 4222, max_payload: 1048576, max_connections: -1, max_subs: -5 },
  "zeros that stand for defaults": { port: 0, ping_max: 0, max_control_line: 0, write_deadline: "0" },
  "any spelling in any case": { NET: "::1", Logfile: "a.log", MAX_CONN: 5, Http: "127.0.0.1:8222" },
  durations: { ping_interval: "1m30s", write_deadline: 5, authorization: { timeout: 0.5 } },
  texts: { server_tags: ["a", "b"], server_metadata: { rack: "7" }, client_advertise: "a.example:4222" },
  "a token": { authorization: { token: "s3cr3t" } },
  users: {
    authorization: {
      users: [
        {
          user: "a",
          password: "b",
          permissions: { publish: "x.>", subscribe: { allow: ["y q"], deny: "z" } },
        },
        { username: "c", pass: "d", allowed_connection_types: ["standard", "WEBSOCKET"] },
        { user: "e", permissions: { allow_responses: { max: 5, expires: "1m" } } },
      ],
      default_permissions: { pub: ["a", "b"], allow_responses: true },
    },
  },
  accounts: {
    accounts: {
      A: {
        users: [{ user: "a", password: "b" }],
        exports: [
          { stream: "s.>" },
          { service: "q", response_type: "Chunked", response_threshold: "1s" },
          { service: "r", accounts: ["B"], latency: { subject: "m", sampling: "headers" } },
        ],
        mappings: { "a.*": "b.$1", c: [{ destination: "d", weight: "50%" }] },
        limits: { max_conn: 10 },
      },
      B: { imports: [{ stream: { account: "A", subject: "s.>" }, prefix: "p" }] },
    },
  },
  "names of accounts": { accounts: ["A", "B"] },
  tls: {
    tls: {
      cert_file: "a",
      key_file: "b",
      verify_and_map: true,
      min_version: "1.3",
      handshake_first: "auto",
      timeout: "2s",
      cipher_suites: ["TLS_AES_128_GCM_SHA256"],
      curve_preferences: ["X25519"],
      pinned_certs: ["a".repeat(64)],
      ocsp_peer: { verify: true, ca_timeout: 2 },
      watch: true,
    },
    ocsp: { mode: "Always", url: "http://o.example" },
    ocsp_cache: { type: "local", save_interval: "5m" },
  },
  websocket: {
    websocket: { port: 8080, no_tls: true, allowed_origins: ["https://a.example"], headers: { a: "b" } },
  },
  resolver: { resolver: { type: "CACHE", dir: "/tmp/x", ttl: "1h" }, resolver_tls: { insecure: true } },
  mappings: { mappings: { "a.>": { destination: "b.>", weight: 100, cluster: "c" } } },
  "parts that are off": { jetstream: "Disabled", mqtt: {}, prof_port: 0, store_dir: "" },
  JetStream: {
    jetstream: {
      sync: "2m",
      max_mem: "1G",
      max_file_store: 5,
      cipher: "AES",
      limits: { batch: { timeout: "5s" }, max_ack_pending: 5 },
      max_buffered_size: "64M",
      unique_tag: "",
      extension_hint: "no_extend",
    },
    feature_flags: { a: true },
    accounts: { A: { jetstream: { max_mem: 5, max_bytes: true } }, B: { jetstream: "enabled" } },
  },
  "a callout": { authorization: { auth_callout: { issuer: ACCOUNT, users: ["a"] } } },
  proxies: { proxies: { trusted: [{ key: USER }] } },
};

/** What is wrong by name, kind or bounds; each has to be noticed by both. */
const BROKEN: Readonly<Record<string, Json>> = {
  "an unknown option": { prot: 4222 },
  "an unknown option in a block": { authorization: { users: [], usr: "a" } },
  "an unknown member of a user": { authorization: { users: [{ user: "a", pasword: "b" }] } },
  "an unknown member of tls": { tls: { cert: "a" } },
  "an unknown member of JetStream": { jetstream: { stor_dir: "a" } },
  "JetStream by a number": { jetstream: 1 },
  "storage with a suffix of other sizes": { jetstream: { max_mem: "1GB" } },
  "an unknown cipher": { jetstream: { cipher: "rot13" } },
  "an unknown limit of an account": { accounts: { A: { jetstream: { max: 1 } } } },
  "a text for a number": { port: "4222" },
  "a number for a text": { server_name: 5 },
  "a text for a switch": { debug: "yes" },
  "a port with 17 bits": { port: 70_000 },
  "a port below those with a meaning": { http_port: -2 },
  "too many tokens": { max_subscription_tokens: 256 },
  "a payload beyond 2 GiB": { max_payload: 2 ** 31 },
  "a size with a suffix in quotes": { max_payload: "64kb" },
  "a duration without a unit": { ping_interval: "5" },
  "seconds where a duration has to be": { lame_duck_duration: 30 },
  "a fraction where seconds are whole": { ping_interval: 0.5 },
  "a word that is none of the choice": { write_timeout: "never" },
  "a map for a list": { authorization: { users: { user: "a" } } },
  "a list for a map": { tls: [] },
  "a curve that there is not": { tls: { curve_preferences: ["X448"] } },
  "a list of no curves": { tls: { curve_preferences: [] } },
  "an old version of TLS": { tls: { min_version: "1.1" } },
  "an address without a port": { listen: "localhost" },
  "a part that is not built yet": { mqtt: { port: 1883 } },
  "a stream for an export's list": { accounts: { A: { exports: { stream: "a" } } } },
  "a type of connection there is not": {
    authorization: { users: [{ user: "a", connection_types: ["PIGEON"] }] },
  },
};

describe("the JSON schema", () => {
  for (const [what, config] of Object.entries(GOOD)) {
    test(`takes ${what}`, () => {
      assert.deepEqual(problemsOf(config), [], "it is good");
      assert.equal(isValid(config), true, JSON.stringify(validate.errors));
    });
  }

  for (const [what, config] of Object.entries(BROKEN)) {
    test(`refuses ${what}`, () => {
      assert.notDeepEqual(problemsOf(config), [], "it is broken");
      assert.equal(isValid(config), false);
    });
  }

  test("takes whatever the server takes", () => {
    fc.assert(
      fc.property(anyConfig(), (config) => {
        if (problemsOf(config).length > 0) return;
        assert.ok(isValid(config), `${JSON.stringify(config)}: ${JSON.stringify(validate.errors)}`);
      }),
      { numRuns: 2_000 },
    );
  });

  test("refuses every value of a plain option that the server refuses", () => {
    for (const { path, row } of plainRows(OPTIONS, [])) {
      for (const value of VALUES) {
        if (isBeyondASchema(row, value)) continue;
        const config = nested(path, value);
        assert.equal(isValid(config), problemsOf(config).length === 0, JSON.stringify(config));
      }
    }
  });
});

/** Values of all kinds, on both sides of bounds. No null: in a configuration it is the text "null". */
const VALUES: readonly Json[] = [
  true, false, 0, 1, -1, -2, 5, 0.5, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 40,
  "", "a", "0", "1s", "500ms", "1h30m", ".5s", "1", "1x", "40s", "enabled", "text", "json", "close", "retry",
  "disabled", ":80", "a:80", "[::1]:80", "a", [], ["a"], [5], {}, { a: "b" }, { a: 5 }, { a: false },
]; // prettier-ignore

interface PlainRow {
  readonly path: readonly string[];
  readonly row: OptionRow;
}

/** Those that the table alone describes. */
function plainRows(table: OptionTable, prefix: readonly string[]): PlainRow[] {
  return Object.entries(table).flatMap(([name, row]) => {
    const path = [...prefix, name];
    if (row.type === "block") return plainRows(row.rows, path);
    return row.type === "custom" || row.type === "mappings" ? [] : [{ path, row }];
  });
}

/** Ports and least lengths of time inside texts, and the checks of single texts. */
function isBeyondASchema(row: OptionRow, value: Json): boolean {
  if (row.type === "string") return row.check !== undefined && typeof value === "string";
  return row.type === "duration" && row.fileMin !== undefined && typeof value === "string";
}

function nested([name, ...rest]: readonly string[], value: Json): Json {
  return { [name]: rest.length === 0 ? value : nested(rest, value) };
}

/** Configurations that are often right: options by any spelling, with values that some option takes. */
function anyConfig(): fc.Arbitrary<Json> {
  const goodParts = Object.values(GOOD).flatMap((config) => membersOf(config));
  const rows = plainRows(OPTIONS, []).filter(({ path }) => path.length === 1);
  const spelled = fc.constantFrom(...rows).chain(({ path: [name], row }) =>
    fc.record({
      key: fc.constantFrom(name, name.toUpperCase(), ...(row.aliases ?? [])),
      value: fc.constantFrom(...VALUES),
    }),
  );
  const good = fc.constantFrom(...goodParts).map(([key, value]) => ({ key, value }));
  const odd = fc
    .tuple(fc.constantFrom(...goodParts), fc.constantFrom(...VALUES), fc.nat())
    .map(([[key, value], other, at]) => ({ key, value: replaced(value, other, at) }));
  return fc
    .array(fc.oneof(spelled, good, odd), { maxLength: 3 })
    .map((members) => Object.fromEntries(members.map(({ key, value }) => [key, value])));
}

function membersOf(value: Json): [string, Json][] {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

/** `value` with one of its members at some depth being `other`, or itself. */
function replaced(value: Json, other: Json, at: number): Json {
  const members = membersOf(value);
  if (Array.isArray(value) && value.length > 0) {
    const list: readonly Json[] = value;
    const here = at % list.length;
    return list.map((item, i) => (i === here ? replaced(item, other, Math.floor(at / list.length)) : item));
  }
  if (members.length === 0 || at % 3 === 0) return other;
  const here = at % members.length;
  return Object.fromEntries(
    members.map(([key, item], i) => [key, i === here ? replaced(item, other, Math.floor(at / 3)) : item]),
  );
}
