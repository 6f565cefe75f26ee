import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { UserPermissionLimits } from "./claims/permissions.ts";
import { isProblem, type Problem } from "./claims/fields.ts";
import { applyScope, EXPANSIONS_MAX, type ScopeSubject } from "./scope.ts";
import { combine, parseTemplate } from "./scope-template.ts";

const ALICE: ScopeSubject = {
  name: "alice",
  subject: "UALICE",
  tags: ["dept:x", "dept:y", "level:1", "plain"],
  account: "AACME",
  accountName: "acme",
  accountTags: ["region:eu"],
};
const NOTHING: UserPermissionLimits = {
  pub: { allow: null, deny: [] },
  sub: { allow: null, deny: [] },
  resp: null,
  src: ["192.0.2.0/24"],
  times: [],
  times_location: "",
  subs: 7,
  data: -1,
  payload: -1,
  bearer_token: true,
  proxy_required: false,
  allowed_connection_types: [],
};

type Lists = { readonly allow?: readonly string[] | null; readonly deny?: readonly string[] };

function apply(pub: Lists, subject: Partial<ScopeSubject> = {}): UserPermissionLimits | Problem {
  const template = { ...NOTHING, pub: { allow: null, deny: [], ...pub } };
  return applyScope({ key: "", role: "", description: "", template }, { ...ALICE, ...subject });
}

function published(pub: Lists, subject: Partial<ScopeSubject> = {}): UserPermissionLimits["pub"] {
  const limits = apply(pub, subject);
  return isProblem(limits) ? assert.fail(limits.problem) : limits.pub;
}

test("operations stand for what is known of the user and its account", () => {
  const { allow } = published({
    allow: [
      "a.{{name()}}.>",
      "b.{{subject()}}",
      "c.{{account-name()}}.{{account-subject()}}",
      "d.{{ tag(level) }}",
      "e.{{account-tag(region)}}",
      "f.{{NAME()}}.{{Tag(LEVEL)}}",
      "plain",
    ],
  });
  assert.deepEqual(allow, ["a.alice.>", "b.UALICE", "c.acme.AACME", "d.1", "e.eu", "f.alice.1", "plain"]);
});

test("tags multiply, and one that comes twice is the same in both places", () => {
  assert.deepEqual(published({ allow: ["{{tag(dept)}}.{{tag(level)}}"] }).allow, ["x.1", "y.1"]);
  assert.deepEqual(published({ allow: ["{{tag(dept)}}.{{tag(dept)}}"] }).allow, ["x.x", "y.y"]);
  const tags = ["a:1", "a:2", "b:1", "b:2", "b:3"];
  const { allow } = published({ allow: ["{{tag(a)}}.{{tag(b)}}"] }, { tags });
  assert.deepEqual(allow, ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3"]);
});

test("what can't be allowed is left out, and nothing is allowed where none is left", () => {
  assert.deepEqual(published({ allow: ["{{tag(none)}}", "b"], deny: ["c"] }), { allow: ["b"], deny: ["c"] });
  assert.deepEqual(published({ allow: ["a.{{tag(none)}}"], deny: ["c"] }), { allow: [], deny: ["c", ">"] });
  assert.deepEqual(published({ allow: ["a.{{name()}}"] }, { name: "" }), { allow: [], deny: [">"] });
  assert.deepEqual(published({ allow: ["a.{{name()}}"] }, { name: "x y" }), { allow: [], deny: [">"] });
  assert.deepEqual(published({ allow: [] }), { allow: [], deny: [] }, "there was none before");
  assert.deepEqual(published({ allow: null }), { allow: null, deny: [] });
});

test("what can't be denied turns the user away", () => {
  assert.ok(isProblem(apply({ deny: ["a.{{tag(none)}}"] })));
  assert.ok(isProblem(apply({ deny: ["a.{{name()}}"] }, { name: "" })));
  assert.ok(isProblem(apply({ deny: ["{{tag(dept)}}", "{{tag(dept)}}.{{tag(none)}}"] })));
  assert.ok(isProblem(apply({ deny: ["{{tag(a)}}"] }, { tags: ["a:fine", "a:not fine"] })));
  assert.deepEqual(published({ deny: ["{{tag(dept)}}"] }).deny, ["x", "y"]);
});

test("an operation that nobody knows turns the user away", () => {
  for (const operation of [
    "nome()",
    "name",
    "tag",
    "tag(",
    "tag()x",
    "",
    " ",
    "subject(x)",
    "{name()",
    "x\ny",
  ]) {
    const subject = `a.{{${operation}}}`;
    if (operation === "") assert.deepEqual(published({ allow: [subject] }).allow, [subject], "no operation");
    else assert.ok(isProblem(apply({ allow: [subject] })), operation);
  }
});

test("values are not looked at for operations", () => {
  const { allow } = published({ allow: ["{{name()}}.{{tag(dept)}}"] }, { name: "{{tag(dept)}}" });
  assert.deepEqual(allow, ["{{tag(dept)}}.x", "{{tag(dept)}}.y"]);
  assert.deepEqual(published({ allow: ["a.{{name()}}"] }, { name: "$&" }).allow, ["a.$&"]);
});

test("lists without an operation stay as they are", () => {
  const allow = ["a", "b q", "{{", "}}", "{x}", "not  valid"];
  assert.deepEqual(published({ allow }).allow, allow);
  assert.deepEqual(published({ allow: ["a q", "{{name()}}"] }).allow, ["alice"], "queues only there");
});

test("a list grows to a bound and no further", () => {
  const tags = Array.from({ length: 16 }, (_, i) => `a:${i}`);
  const three = "{{tag(a)}}.{{tag(a)}}.{{tag(a)}}";
  assert.ok(!isProblem(apply({ allow: [three] }, { tags })));
  const over = apply({ allow: [three, "{{name()}}"] }, { tags });
  assert.ok(isProblem(over) && over.problem.includes(String(EXPANSIONS_MAX)));
  const much = Array.from({ length: 400 }, () => "{{tag(a)}}").join(".");
  assert.ok(isProblem(apply({ allow: [much] }, { tags })));
  assert.ok(isProblem(apply({ deny: [`${much}.{{tag(none)}}`] }, { tags })));
});

test("much that comes to nothing is not multiplied first", () => {
  const letters = "abcdefghijkl".split("");
  const tags = letters.flatMap((letter) => Array.from({ length: 16 }, (_, i) => `${letter}:${i}`));
  const subject = [...letters, "none"].map((name) => `{{tag(${name})}}`).join(".");
  assert.deepEqual(published({ allow: [subject, "b"] }, { tags }).allow, ["b"]);
});

test("limits are the template's", () => {
  const limits = apply({ allow: ["a"] });
  assert.ok(!isProblem(limits));
  assert.deepEqual({ ...limits, pub: NOTHING.pub }, NOTHING);
});

test("a template is taken apart as the reference's pattern does it", () => {
  const text = fc
    .array(fc.constantFrom("{", "}", "{{", "}}", "a", " ", "{{a}}"), { maxLength: 12 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, (subject) => {
      const expected = [...subject.matchAll(/\{{2}([^}]+)\}{2}/g)].map((match) => match[1].trim());
      const parts = parseTemplate(subject);
      assert.deepEqual(
        parts.filter(({ kind }) => kind === "operation").map(({ text }) => text),
        expected,
      );
      const values = new Map(expected.map((operation) => [operation, ["V"]]));
      assert.deepEqual(combine(parts, values), [subject.replaceAll(/\{{2}([^}]+)\}{2}/g, "V")]);
    }),
    { numRuns: 1_000 },
  );
});

test("a megabyte of braces takes no time", () => {
  assert.deepEqual(parseTemplate("{".repeat(1_000_000)).length, 1);
  assert.deepEqual(parseTemplate("{{a}".repeat(250_000)).length, 1);
});
