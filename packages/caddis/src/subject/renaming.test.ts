import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { subjectMatches } from "../../../../test/support/subject-match.ts";
import { Renaming } from "./renaming.ts";

function compiled(there: string, here: string): Renaming {
  const renaming = Renaming.compile(there, here);
  return typeof renaming === "string" ? assert.fail(renaming) : renaming;
}

test("names lead there and back", () => {
  const swapped = compiled("foo.*.*", "bar.$2.$1");
  assert.equal(swapped.here, "bar.*.*");
  assert.equal(swapped.toHere("foo.1.2"), "bar.2.1");
  assert.equal(swapped.toThere("bar.2.1"), "foo.1.2");
  assert.equal(swapped.toThere("bar.*.1"), "foo.1.*");
  const prefixed = compiled(">", "p.>");
  assert.equal(prefixed.prefix, "p.");
  assert.equal(prefixed.toHere("a.b"), "p.a.b");
  assert.equal(prefixed.toThere("p.a.b"), "a.b");
  assert.equal(compiled("a", "b").toHere("a"), "b");
  assert.ok(compiled("a.*", "a.*").isSame);
});

test("three tokens in a circle come back in their order", () => {
  const circle = compiled("a.*.*.*", "b.$2.$3.$1");
  assert.equal(circle.toHere("a.1.2.3"), "b.2.3.1");
  assert.equal(circle.toThere("b.2.3.1"), "a.1.2.3");
});

test("a token in front of which others stand is no prefix", () => {
  assert.equal(compiled("*.*", "x.$2.$1").prefix, "");
  assert.equal(compiled("*.*", "x.$1.$2").prefix, "x.");
  const twice = compiled("*", "$1.$1");
  assert.equal(twice.prefix, "");
  assert.ok(twice.isLoose);
  assert.equal(twice.toHere("a"), "a.a");
});

test("what can't be told back is refused in the reference's words", () => {
  const refused = [
    ["a.*.*", "b.$1", "invalid mapping destination: not using all of the token wildcard(s) in b.$1"],
    ["a.*", "b.$1.$2", "invalid mapping destination: wildcard index out of range in $2: [2]"],
    ["a.*", "b.$0", "invalid mapping destination: wildcard index out of range in $0: [0]"],
    ["a.*", "b.>", "invalid subject"],
    [
      "a.*",
      "b.{{partition(3,1)}}",
      "invalid mapping destination: the only mapping function allowed for import transforms is {{Wildcard()}} in {{partition(3,1)}}",
    ],
  ];
  for (const [there, here, problem] of refused) assert.equal(Renaming.compile(there, here), problem);
});

test("each subject there has one name here, by which it is found again", () => {
  const order = fc.integer({ min: 1, max: 4 }).chain((count) =>
    fc.shuffledSubarray(
      Array.from({ length: count }, (_, i) => i + 1),
      { minLength: count, maxLength: count },
    ),
  );
  fc.assert(
    fc.property(
      order,
      fc.boolean(),
      fc.array(fc.constantFrom("x", "y", "z"), { minLength: 6, maxLength: 6 }),
      (numbers, isOpen, tokens) => {
        const end = isOpen ? ".>" : "";
        const there = `a.${numbers.map(() => "*").join(".")}${end}`;
        const renaming = compiled(there, `b.${numbers.map((number) => `$${number}`).join(".c.")}${end}`);
        const subject = `a.${tokens.slice(0, isOpen ? 6 : numbers.length).join(".")}`;
        const here = renaming.toHere(subject);
        assert.ok(subjectMatches(here, renaming.here), here);
        assert.equal(renaming.toThere(here), subject);
      },
    ),
  );
});
