import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { SubjectFilter } from "./subject-filter.ts";
import { patternTakes, SubjectPattern } from "./subject-pattern.ts";
import { SubjectTable } from "./subject-table.ts";

const token = fc.constantFrom("a", "b", "c", "d");
const subject = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join("."));
const pattern = fc
  .tuple(
    fc.array(fc.oneof(token, fc.constant("*")), { maxLength: 3 }),
    fc.oneof(token, fc.constantFrom("*", ">")),
  )
  .map(([tokens, last]) => [...tokens, last].join("."));

test("a filter of few or many subjects takes what one of them takes, and names each subject once", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(subject, { maxLength: 40 }),
      fc.array(pattern, { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      (subjects, few, isMany) => {
        // Of many, a hundred take nothing that is there.
        const patterns = isMany ? [...few, ...Array.from({ length: 100 }, (_, i) => `z${i}.*`)] : few;
        const table = new SubjectTable(7);
        const ids = new Map(subjects.map((name, i) => [table.add(name, i + 1), name]));
        const filter = new SubjectFilter(table, patterns);
        const taken = subjects.filter((name) =>
          patterns.some((each) => patternTakes(new SubjectPattern(each), name)),
        );
        const found: string[] = [];
        filter.forEachId((id) => found.push(ids.get(id) ?? "?"));
        assert.deepEqual(found.toSorted(), taken.toSorted());
        for (const [id, name] of ids) {
          assert.equal(filter.takesId(id), taken.includes(name), name);
          assert.equal(filter.takes(name), taken.includes(name), name);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("tens of thousands of patterns are not compared with each subject one by one", () => {
  const table = new SubjectTable(7);
  for (let i = 1; i <= 5_000; i++) table.add(`a.${i}`, i);
  // Three hundred million comparisons take half a minute: a test of that length is noticed.
  const filter = new SubjectFilter(
    table,
    Array.from({ length: 60_000 }, (_, i) => `*.${2 * i}`),
  );
  let count = 0;
  filter.forEachId(() => count++);
  assert.equal(count, 2_500);
  for (let i = 1; i <= 5_000; i++) assert.equal(filter.takes(`a.${i}`), i % 2 === 0);
});
