import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { resolveOptions } from "../config/load.ts";
import type { Options, OptionsInput } from "../config/options.ts";
import { diffOptions } from "../server/reload-diff.ts";
import { diffSetups, type Change, type ConfigDiff } from "./config-diff.ts";
import { diffText } from "./config-text.ts";

const NOWHERE = new Map<string, string>();

function diff(old: OptionsInput, next: OptionsInput, port: number | null = null): ConfigDiff {
  return diffOf(resolveOptions(old), resolveOptions(next), port);
}

function diffOf(old: Options, next: Options, port: number | null = null): ConfigDiff {
  return diffSetups({ options: old, origins: NOWHERE }, { options: next, origins: NOWHERE }, port);
}

function change({ changes }: ConfigDiff, option: string): Change {
  return changes.find((one) => one.option === option) ?? assert.fail(`no change of ${option}`);
}

test("nothing is other", () => {
  assert.deepEqual(diff({ port: 1 }, { port: 1 }), { changes: [], verdict: "same" });
});

test("what a reload can do, and what it can't", () => {
  const both = diff({}, { max_payload: 5, max_pending: 6 });
  assert.equal(both.verdict, "restart");
  assert.deepEqual(change(both, "max_payload").refusals, []);
  assert.match(change(both, "max_pending").refusals.join(), /MaxPending: old=67108864, new=6/);
  assert.equal(diff({}, { max_payload: 5 }).verdict, "reload");
});

test("a port that is left to chance is no change", () => {
  assert.equal(diff({ port: 4222 }, { port: -1 }, 4222).verdict, "same");
});

test("an option that another one frees needs no restart", () => {
  const users = [
    { user: "a", password: "b" },
    { user: "c", password: "d" },
  ];
  const before = { authorization: { users }, no_auth_user: "a" };
  const freed = diff(before, { authorization: { users: users.slice(1) } });
  assert.deepEqual([freed.verdict, change(freed, "no_auth_user").refusals], ["reload", []]);
  assert.equal(diff(before, { authorization: { users } }).verdict, "restart");
});

test("where values come from", () => {
  const old = { options: resolveOptions({}), origins: null };
  const options = resolveOptions({ max_payload: 5, trace_verbose: true });
  const origins = new Map([
    ["max_payload", "a:1"],
    ["trace_verbose", "-DVV"],
  ]);
  const { changes } = diffSetups(old, { options, origins }, null);
  assert.deepEqual(
    changes.map(({ option, from, to }) => `${option} ${from}, ${to}`),
    [
      "max_payload running server, a:1",
      "trace running server, follows from other options",
      "trace_verbose running server, -DVV",
    ],
  );
});

test("of lists and maps the members that differ are named", () => {
  const users = (password: string): OptionsInput => ({
    accounts: { A: { users: [{ user: "a", password }] }, B: {} },
    server_metadata: { rack: "1", [password]: "2" },
  });
  const both = diff(users("x"), { ...users("y"), tls: false });
  assert.deepEqual(change(both, "accounts").members, ["A"]);
  assert.deepEqual(change(both, "server_metadata").members, ["x", "y"]);
});

test("nothing that may be secret is said", () => {
  const [before, after] = ["old", "new"].map((word): Options => {
    const secret = `${word}-secret`;
    const options = resolveOptions({ authorization: { user: "a", password: secret } });
    // All of them at once is no configuration, but might be one day.
    return {
      ...options,
      default_sentinel: secret,
      operator: [secret],
      resolver: { type: "url", url: `http://u:${secret}@h/` },
      resolver_preload: new Map([["A", secret]]),
      authorization: { ...options.authorization, token: secret, user: secret },
      websocket: {
        ...options.websocket,
        headers: { a: secret },
        authorization: { ...options.websocket.authorization, password: secret, token: secret },
      },
    };
  });
  const both = diffOf(before, after);
  assert.ok(both.changes.length >= 9, diffText(both));
  assert.doesNotMatch(diffText(both) + JSON.stringify(both), /secret/);
});

const ACCOUNTS = { A: { users: [{ user: "a", password: "b" }] } };

/** Options that touch one another in the rules of a reload. */
const PARTS: readonly OptionsInput[] = [
  { max_payload: 5 },
  { max_pending: 2_000_000 },
  { port: 4_222 },
  { port: 1 },
  { host: "h" },
  { http_port: 80 },
  { http_host: "h" },
  { http_port: -1, http_host: "g" },
  { no_auth_user: "a", accounts: ACCOUNTS },
  { accounts: ACCOUNTS },
  { accounts: { ...ACCOUNTS, S: {} }, system_account: "S" },
  { system_account: "$SYS" },
  { lame_duck_duration: "3m" },
  { server_tags: ["a"], server_metadata: { b: "c" } },
  { websocket: { port: 5, no_tls: true } },
  { websocket: { port: 5, no_tls: true, compression: true } },
  { mappings: { a: "b" } },
  { trace_headers: true },
];

test("every refusal of a reload is told, with an option that it is about", () => {
  const input = fc
    .subarray([...PARTS], { maxLength: 4 })
    .map((parts): OptionsInput => Object.assign({}, ...parts) as OptionsInput)
    .filter(isGood);
  fc.assert(
    fc.property(input, input, (old, next) => {
      const [before, after] = [resolveOptions(old), resolveOptions(next)];
      const { refused, changed } = diffOptions(before, after, 4_222);
      const { changes, verdict } = diffOf(before, after, 4_222);
      assert.deepEqual(new Set(changes.flatMap(({ refusals }) => refusals)), new Set(refused));
      assert.deepEqual(new Set(changes.map(({ option }) => option)), new Set(changed));
      assert.equal(verdict === "restart", refused.length > 0);
    }),
  );
});

function isGood(input: OptionsInput): boolean {
  try {
    resolveOptions(input);
    return true;
  } catch {
    return false;
  }
}
