import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as fc from "fast-check";
import { permissions as anyPermissions } from "../../../../test/support/naive-permissions.ts";
import type { Permissions } from "../config/permissions.ts";
import { Authorizers } from "./authorizers.ts";

function only(subject: string): Permissions {
  return {
    publish: { allow: [subject], deny: [] },
    subscribe: { allow: null, deny: [] },
    responses: null,
  };
}

test("equal permissions share one authorizer", () => {
  const authorizers = new Authorizers();
  const permissions = only("foo");
  const authorizer = authorizers.for(permissions);
  assert.equal(authorizers.for(permissions), authorizer);
  for (let i = 0; i < 10_000; i++) assert.equal(authorizers.for(only("foo")), authorizer);
  assert.notEqual(authorizers.for(only("bar")), authorizer);
  assert.equal(authorizers.size, 2);
});

test("authorizers share their memory of decisions and nothing of the decisions", () => {
  const authorizers = new Authorizers();
  const [foo, bar] = [authorizers.for(only("foo")), authorizers.for(only("bar"))];
  const subject = Buffer.from("foo");
  for (let i = 0; i < 3; i++) {
    assert.equal(foo.mayPublish(subject, 0, 3), true);
    assert.equal(bar.mayPublish(subject, 0, 3), false);
  }
});

test("only equal permissions share", () => {
  fc.assert(
    fc.property(anyPermissions, anyPermissions, (a, b) => {
      const authorizers = new Authorizers();
      const isSame = authorizers.for(structuredClone(a)) === authorizers.for(structuredClone(b));
      assert.equal(isSame, JSON.stringify(a) === JSON.stringify(b));
      assert.equal(authorizers.for(structuredClone(a)), authorizers.for(a));
    }),
    { numRuns: 500 },
  );
});

test("lists that look alike when joined are different", () => {
  const authorizers = new Authorizers();
  const made = [["a", "b"], ["a,b"], ['a","b'], [], ["a b"]].map((allow) =>
    authorizers.for({ ...only(""), publish: { allow, deny: [] } }),
  );
  made.push(authorizers.for({ ...only(""), publish: { allow: null, deny: [] } }));
  made.push(authorizers.for({ ...only(""), publish: { allow: [], deny: ["a", "b"] } }));
  made.push(authorizers.for({ ...only("x"), subscribe: { allow: ["x"], deny: [] } }));
  for (const responses of [null, { max: 1, expiresMs: 2 }, { max: 2, expiresMs: 1 }]) {
    made.push(authorizers.for({ ...only("x"), responses }));
  }
  assert.equal(new Set(made).size, made.length);
});

test("those in use stay, and only those", async () => {
  const authorizers = new Authorizers();
  const used = Array.from({ length: 300 }, (_, i) => authorizers.for(only(`used.${i}`)));
  for (let i = 0; i < 1_000; i++) authorizers.for(only(`once.${i}`));
  // A weak reference holds on until its turn of the event loop is over.
  await setImmediate();
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  for (let i = 0; i < 1_500; i++) authorizers.for(only(`more.${i}`));
  assert.ok(authorizers.size < 300 + 1_000 + 1_500, `${authorizers.size} known`);
  for (const [i, authorizer] of used.entries()) assert.equal(authorizers.for(only(`used.${i}`)), authorizer);
});
