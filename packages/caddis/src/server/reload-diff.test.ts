import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveOptions } from "../config/load.ts";
import type { OptionTable } from "../config/option-row.ts";
import { OPTIONS, type Options, type OptionsInput } from "../config/options.ts";
import { diffOptions } from "./reload-diff.ts";
import { reloadedLines } from "./reload-lines.ts";

const PORT = 4_242;

function diff(current: OptionsInput, next: OptionsInput): { changed: string[]; refused: readonly string[] } {
  const { changed, refused } = diffOptions(resolveOptions(current), resolveOptions(next), PORT);
  return { changed: [...changed], refused };
}

test("nothing has changed between options and the same options", () => {
  const input: OptionsInput = { port: 0, authorization: { users: [{ user: "a", password: "b" }] } };
  assert.deepEqual(diff(input, structuredClone(input)), { changed: [], refused: [] });
});

test("a port that chance gave is the server's own, and stays where it is left to chance", () => {
  assert.deepEqual(diff({ port: 0 }, { port: PORT }).refused, []);
  assert.deepEqual(diff({ port: PORT }, { port: 0 }).refused, []);
  assert.deepEqual(diff({ port: PORT }, { port: 1 }).refused, [
    "config reload not supported for Port: old=4242, new=1",
  ]);
});

test("all that can't change is listed", () => {
  assert.deepEqual(diff({}, { max_pending: 2_000_000, lame_duck_duration: "3m", http_port: -1 }).refused, [
    "config reload not supported for LameDuckDuration: old=2m0s, new=3m0s",
    "config reload not supported for MaxPending: old=67108864, new=2000000",
    "config reload not supported for HTTPPort: old=0, new=-1",
  ]);
});

test("the system account may be named as it is called anyway", () => {
  const accounts = { $SYS: {} };
  assert.deepEqual(diff({ accounts }, { accounts, system_account: "$SYS" }).refused, []);
});

test("nobody may only stand for clients without credentials any more when that user is gone", () => {
  const users = [{ user: "a", password: "b" }, { user: "c" }];
  const before = { authorization: { users }, no_auth_user: "a" };
  assert.match(diff(before, { authorization: { users } }).refused[0], /NoAuthUser: old=a, new=/);
  assert.deepEqual(diff(before, { authorization: { users: [users[1]] } }).refused, []);
});

test("no line and no refusal says a secret", () => {
  const [before, after] = ["old", "new"].map((word): Options => {
    const secret = `${word}-secret`;
    const options = resolveOptions({
      authorization: { user: "a", password: secret },
      accounts: { A: {} },
    });
    // All of them at once is no configuration, but might be one day.
    const { authorization } = options;
    return {
      ...options,
      default_sentinel: secret,
      authorization: {
        ...authorization,
        token: secret,
        users: [{ ...USER, password: secret }],
      },
      operator: [secret],
      resolver: { type: "url", url: `http://u:${secret}@h/` },
      resolver_preload: new Map([["A", secret]]),
    };
  });
  const { changed, refused } = diffOptions(before, after, null);
  const said = [...refused, ...reloadedLines(before, after, changed)].join("\n");
  assert.ok(said.includes("authorization password"));
  assert.doesNotMatch(said, /secret/);
});

const USER = {
  user: "u",
  nkey: "",
  account: "",
  permissions: null,
  allowed_connection_types: null,
  proxy_required: false,
};

test("each option that a reload can change has a line that names no other", () => {
  const rows = (table: OptionTable, prefix: string): string[] =>
    Object.entries(table).flatMap(([name, row]) => {
      if (row.type === "unsupported" || row.type === "address" || !row.reload) return [];
      return row.type === "block" ? rows(row.rows, `${prefix}${name}.`) : [prefix + name];
    });
  const options = resolveOptions({});
  for (const path of rows(OPTIONS, "")) {
    const said = reloadedLines(options, options, new Set([path])).join("\n");
    assert.doesNotMatch(said, /undefined|\[object/, path);
  }
});

test("no text inside a block is shown, whatever it is, nor one that may be a password", () => {
  const filled = (table: OptionTable, values: object, word: string): object =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]: [string, unknown]) => {
        const row = Object.hasOwn(table, name) ? table[name] : undefined;
        if (row?.type === "block") return [name, filled(row.rows, value as object, word)];
        return [name, row?.type === "string" ? `${name}-${word}` : value];
      }),
    );
  const [before, after] = ["old", "new"].map((word) => filled(OPTIONS, resolveOptions({}), word) as Options);
  const { refused } = diffOptions(before, after, null);
  const shown = refused.flatMap((text) => /old=(.+)-old/.exec(text)?.[1] ?? []);
  assert.deepEqual(shown.sort(), [
    "audit_log",
    "host",
    "http_base_path",
    "no_auth_user",
    "server_name",
    "system_account",
  ]);
});
