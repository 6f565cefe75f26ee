import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { checkMapping, MappingTable } from "./mapping.ts";
import type { MappingDestination, MappingInput } from "./mapping.ts";
import { toWireString } from "./subject.ts";
import type { TransformRandom } from "./transform-part.ts";

const noChance: TransformRandom = { below: () => assert.fail("nothing here is random") };

/** A small generator (mulberry32), so that draws repeat. */
function seeded(seed: number): TransformRandom {
  let state = seed;
  return {
    below(below) {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
    },
  };
}

/** Draws each number from 0 to 99 once, in turn: every weight is met exactly. */
function everyPercent(): TransformRandom {
  let next = 0;
  return {
    below(below) {
      assert.equal(below, 100);
      return next++ % 100;
    },
  };
}

function table(inputs: readonly MappingInput[], random = noChance, clusterName = ""): MappingTable {
  const compiled = MappingTable.compile(inputs, { clusterName, random });
  if (typeof compiled === "string") assert.fail(compiled);
  return compiled;
}

/** Where 100 messages to `subject` go, by destination. */
function spread(inputs: readonly MappingInput[], subject: string, clusterName = ""): Record<string, number> {
  const mappings = table(inputs, everyPercent(), clusterName);
  const counts: Record<string, number> = {};
  for (let i = 0; i < 100; i++) {
    const mapped = mappings.map(subject);
    counts[mapped] = (counts[mapped] ?? 0) + 1;
  }
  return counts;
}

function weighted(source: string, ...destinations: MappingDestination[]): MappingInput[] {
  return [{ source, destinations }];
}

test("a subject without a mapping stays the same", () => {
  assert.equal(table([]).map("foo"), "foo");
  assert.equal(table([]).size, 0);
  const mappings = table([
    { source: "foo", destinations: "bar" },
    { source: "a.*", destinations: "b.$1" },
  ]);
  assert.equal(mappings.size, 2);
  for (const subject of ["fo", "foo.x", "a", "a.b.c", "A.b"]) assert.equal(mappings.map(subject), subject);
});

test("a mapping applies once, and to what it leads to not again", () => {
  const mappings = table([
    { source: "a.*", destinations: "b.c" },
    { source: "b.c", destinations: "d.e" },
  ]);
  assert.equal(mappings.map("a.x"), "b.c");
  assert.equal(mappings.map("b.c"), "d.e");
});

test("an exact source comes first, then those with wildcards in their order", () => {
  const mappings = table([
    { source: "foo.*", destinations: "wild.$1" },
    { source: "foo.>", destinations: "full.>" },
    { source: "foo.bar", destinations: "exact" },
  ]);
  assert.equal(mappings.map("foo.bar"), "exact");
  assert.equal(mappings.map("foo.x"), "wild.x");
  assert.equal(mappings.map("foo.x.y"), "full.x.y");
});

test("a source that comes twice counts as it comes last, in its first place", () => {
  const mappings = table([
    { source: "foo.*", destinations: "one" },
    { source: "*.bar", destinations: "two" },
    { source: "foo.*", destinations: "three" },
  ]);
  assert.equal(mappings.size, 2);
  assert.equal(mappings.map("foo.bar"), "three");
});

test("subjects published with wildcards are mapped where they are covered", () => {
  const mappings = table([{ source: "a.*", destinations: "b.$1" }]);
  assert.equal(mappings.map("a.*"), "b.*");
  assert.equal(mappings.map("a.>"), "a.>");
});

test("texts become UTF-8 on the wire", () => {
  const mappings = table([{ source: "h\u00e9.*", destinations: "\u20ac.$1" }]);
  assert.equal(mappings.map(toWireString("h\u00e9.\u00fc")), toWireString("\u20ac.\u00fc"));
  assert.equal(mappings.map("h\u00e9.x"), "h\u00e9.x");
});

test("weights share out the messages, and what they leave stays", () => {
  const half = weighted("foo", { subject: "bar", weight: 30 }, { subject: "baz", weight: 20 });
  assert.deepEqual(spread(half, "foo"), { bar: 30, baz: 20, foo: 50 });
  const all = weighted("foo.*", { subject: "bar.$1", weight: 1 }, { subject: "baz.$1", weight: 99 });
  assert.deepEqual(spread(all, "foo.x"), { "bar.x": 1, "baz.x": 99 });
  const rest = weighted("foo.*.>", { subject: "bar.>", weight: 10 });
  assert.deepEqual(spread(rest, "foo.x.y"), { "bar.y": 10, "foo.x.y": 90 });
  assert.deepEqual(spread(weighted("foo", { subject: "bar", weight: 0 }), "foo"), { foo: 100 });
  assert.deepEqual(spread(weighted("foo"), "foo"), { foo: 100 });
});

test("what weights leave is lost when a destination names the source", () => {
  const lossy = weighted("foo", { subject: "foo", weight: 40 }, { subject: "bar", weight: 10 });
  assert.deepEqual(spread(lossy, "foo"), { foo: 40, bar: 10, "": 50 });
  assert.deepEqual(spread(weighted("foo", { subject: "foo", weight: 0 }), "foo"), { "": 100 });
  assert.deepEqual(spread(weighted("foo.>", { subject: "foo.>", weight: 5 }), "foo.x"), {
    "foo.x": 5,
    "": 95,
  });
});

test("a cluster's own destinations replace the others there", () => {
  const inputs = weighted(
    "foo",
    { subject: "east", weight: 60, cluster: "E" },
    { subject: "any", weight: 100 },
    { subject: "west", weight: 100, cluster: "W" },
  );
  assert.deepEqual(spread(inputs, "foo", "E"), { east: 60, foo: 40 });
  assert.deepEqual(spread(inputs, "foo", "W"), { west: 100 });
  assert.deepEqual(spread(inputs, "foo", "other"), { any: 100 });
  assert.deepEqual(spread(inputs, "foo"), { any: 100 });
  const scoped = weighted("foo", { subject: "east", weight: 100, cluster: "E" });
  assert.deepEqual(spread(scoped, "foo"), { foo: 100 });
  // Naming the source in one cluster means loss in all.
  const lossy = weighted("foo", { subject: "foo", weight: 10, cluster: "E" });
  assert.deepEqual(spread(lossy, "foo", "E"), { foo: 10, "": 90 });
  assert.deepEqual(spread(lossy, "foo"), { "": 100 });
});

test("weights converge with a seeded generator", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 0, max: 100 }),
      (seed, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const inputs = weighted("foo", { subject: "x", weight: low }, { subject: "y", weight: high - low });
        const mappings = table(inputs, seeded(seed));
        const total = 20_000;
        const counts = new Map<string, number>();
        for (let i = 0; i < total; i++) {
          const mapped = mappings.map("foo");
          counts.set(mapped, (counts.get(mapped) ?? 0) + 1);
        }
        const expected = { x: low, y: high - low, foo: 100 - high };
        // Six standard deviations of a share of one half.
        const tolerance = 6 * Math.sqrt(total / 4);
        for (const [name, weight] of Object.entries(expected)) {
          const count = counts.get(name) ?? 0;
          assert.ok(Math.abs(count - (weight / 100) * total) <= tolerance, name);
          if (weight === 0) assert.equal(count, 0);
        }
      },
    ),
    { numRuns: 20 },
  );
});

test("each bad mapping has the reference's error", () => {
  const problem = (source: string, ...destinations: MappingDestination[]): string | null => {
    const text = checkMapping({ source, destinations });
    const start = `Error adding mapping for "${source}" : `;
    return text?.startsWith(start) ? text.slice(start.length) : text;
  };
  const a = { subject: "a", weight: 50 };
  assert.equal(problem("foo", a, { subject: "b", weight: 50 }), null);
  assert.equal(problem("foo", a, a), 'duplicate entry for "a"');
  assert.equal(problem("foo", a, { ...a, cluster: "X" }), 'duplicate entry for "a"');
  assert.equal(problem("foo", a, { subject: "b", weight: 51 }), "total weight needs to be <= 100");
  assert.equal(problem("foo", a, { subject: "b", weight: 51, cluster: "X" }), null);
  const inX = { subject: "c", weight: 50, cluster: "X" };
  assert.equal(problem("foo", inX, { ...inX, subject: "d", weight: 51 }), "total weight needs to be <= 100");
  assert.equal(problem("foo", { subject: "a", weight: 101 }), "individual weights need to be <= 100");
  for (const weight of [-1, 0.5, Number.NaN, Infinity]) {
    assert.equal(
      problem("foo", { subject: "a", weight }),
      "individual weights need to be whole numbers >= 0",
    );
  }
  assert.equal(
    problem("foo", { subject: "a..b", weight: 1 }),
    "invalid mapping destination: invalid transform",
  );
  assert.equal(problem("foo", { subject: "", weight: 1 }), "invalid mapping destination: invalid transform");
  assert.equal(problem("foo.*", { subject: "foo.*", weight: 1 }), "invalid subject");
  assert.equal(
    problem("foo", { subject: "$1", weight: 1 }),
    "invalid mapping destination: wildcard index out of range in $1",
  );
  assert.equal(problem("foo bar", a), 'Subject "foo bar" is not a valid subject');
  assert.equal(problem("", a), 'Subject "" is not a valid subject');
});

test("a destination that stands alone is named in the error", () => {
  assert.equal(
    checkMapping({ source: "foo", destinations: "a..b" }),
    'Error adding mapping for "foo" to "a..b" : invalid mapping destination: invalid transform',
  );
  assert.equal(checkMapping({ source: "foo.*", destinations: "a.$1" }), null);
});

test("texts in errors are quoted as Go does", () => {
  const subject = 'a\u00e9\u0001\u200b\u00ad\u{1f600}\u{e0001}"\\\u0007\v';
  assert.equal(
    checkMapping({ source: "foo", destinations: [subject, subject].map((s) => ({ subject: s, weight: 1 })) }),
    'Error adding mapping for "foo" : duplicate entry for "a\u00e9\\x01\\u200b\\u00ad\u{1f600}\\U000e0001\\"\\\\\\a\\v"',
  );
});

test("the first bad mapping decides", () => {
  const inputs = [
    { source: "foo", destinations: "bar" },
    { source: "a", destinations: "$1" },
    { source: "b", destinations: "b." },
  ];
  const problem =
    'Error adding mapping for "a" to "$1" : invalid mapping destination: wildcard index out of range in $1';
  assert.equal(MappingTable.compile(inputs, { clusterName: "", random: noChance }), problem);
});
