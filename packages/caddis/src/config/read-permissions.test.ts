import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { faultsOf, optionsOf } from "../../../../test/support/config-options.ts";
import { ALL_SUBJECTS, type Permissions } from "./permissions.ts";

function permissionsOf(text: string): Permissions | null {
  return optionsOf(`authorization {users: [{user: a, permissions: {${text}}}]}`).authorization.users[0]
    .permissions;
}

const NOTHING_SAID: Permissions = { publish: ALL_SUBJECTS, subscribe: ALL_SUBJECTS, responses: null };

describe("permissions", () => {
  const good: [string, Partial<Permissions>][] = [
    ["", {}],
    ["publish: foo", { publish: { allow: ["foo"], deny: [] } }],
    ["pub: [foo, 'bar.*']", { publish: { allow: ["foo", "bar.*"], deny: [] } }],
    ["publish: {deny: foo}", { publish: { allow: null, deny: ["foo"] } }],
    ["publish: {allow: [a, b], deny: c}", { publish: { allow: ["a", "b"], deny: ["c"] } }],
    // As in nats-server: an empty list is no list.
    ["publish: []", {}],
    ["publish: {allow: []}", {}],
    ["sub: 'foo  q'", { subscribe: { allow: ["foo q"], deny: [] } }],
    ["subscribe: {deny: ['foo q.*', bar]}", { subscribe: { allow: null, deny: ["foo q.*", "bar"] } }],
    ["import: a, export: b", { publish: { allow: ["a"], deny: [] }, subscribe: { allow: ["b"], deny: [] } }],
    ["publish: 'größe.>'", { publish: { allow: ["größe.>"], deny: [] } }],
    ["allow_responses: false", {}],
    [
      "allow_responses: true",
      { publish: { allow: [], deny: [] }, responses: { max: 1, expiresMs: 120_000 } },
    ],
    [
      "allow_responses: true, publish: {deny: a}",
      { publish: { allow: [], deny: ["a"] }, responses: { max: 1, expiresMs: 120_000 } },
    ],
    [
      'publish: a, allow_responses: {max: -5, expires: "-1s"}',
      { publish: { allow: ["a"], deny: [] }, responses: { max: -1, expiresMs: -1_000 } },
    ],
    [
      'allow_responses: {max_msgs: 0, ttl: "0s"}',
      { publish: { allow: [], deny: [] }, responses: { max: 1, expiresMs: 120_000 } },
    ],
    [
      'allow_responses: {max_responses: 7, expiration: "1m"}',
      { publish: { allow: [], deny: [] }, responses: { max: 7, expiresMs: 60_000 } },
    ],
  ];
  for (const [text, expected] of good) {
    test(text, () => assert.deepEqual(permissionsOf(text), { ...NOTHING_SAID, ...expected }));
  }

  test("a queue is for subscriptions only, and has no blanks", () => {
    const invalid = (subject: string): string => `subject "${subject}" is not a valid subject`;
    const faults = (text: string): string[] =>
      faultsOf(`authorization {users: [{user: a, permissions: {${text}}}]}`);
    assert.deepEqual(faults("publish: 'foo q'"), [invalid("foo q")]);
    assert.deepEqual(faults("subscribe: ['foo q r', 'a..b q', 'a b..c']"), [
      invalid("foo q r"),
      invalid("a..b"),
      'queue "b..c" is not a valid queue',
    ]);
  });
});

describe("default permissions", () => {
  test("are for users without their own: of the same block or account", () => {
    const { authorization, accounts } = optionsOf(`
      authorization {
        users: [{user: a}, {user: b, permissions: {}}]
        default_permissions: {publish: x}
      }
      accounts {
        A {users: [{user: c}, {user: d, permissions: {publish: z}}], default_permissions: {publish: y}}
        B {users: [{user: e}]}
      }`);
    const publishable = [...authorization.users, ...accounts.flatMap(({ users }) => users)].map(
      ({ user, account, permissions }) => [user, account, permissions?.publish.allow ?? null],
    );
    assert.deepEqual(publishable, [
      ["a", "", ["x"]],
      ["b", "", null],
      ["c", "A", ["y"]],
      ["d", "A", ["z"]],
      ["e", "B", null],
    ]);
    assert.deepEqual(accounts[0].default_permissions?.publish.allow, ["y"]);
    assert.equal(accounts[1].users[0].permissions, null);
  });
});
