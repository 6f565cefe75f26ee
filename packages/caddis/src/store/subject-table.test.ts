import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { subjectMatches } from "../../../../test/support/subject-match.ts";
import { HASH_PRIME } from "../subject/subject-hash.ts";
import { SubjectPattern } from "./subject-pattern.ts";
import { SubjectTable } from "./subject-table.ts";

const BASIS = 0x811c9dc5;

const token = fc.constantFrom("a", "b", "ab", "*x", ">>", "\xff", "long-token-of-more-than-eight");
const subject = fc.array(token, { minLength: 1, maxLength: 12 }).map((tokens) => tokens.join("."));
const shortSubject = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join("."));
const pattern = fc
  .tuple(
    fc.array(fc.oneof({ weight: 2, arbitrary: token }, fc.constant("*")), { minLength: 1, maxLength: 12 }),
    fc.boolean(),
  )
  .map(([tokens, rest]) => [...tokens, ...(rest ? [">"] : [])].join("."));

test("a table counts like a map, finds what patterns take, and keeps its invariants", () => {
  const step = fc.record({
    isAdd: fc.integer({ min: 0, max: 2 }).map((n) => n > 0),
    subject: fc.oneof({ weight: 3, arbitrary: shortSubject }, subject),
    pick: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(pattern, { maxLength: 6 }), (steps, patterns) => {
      const table = new SubjectTable(BASIS);
      const counts = new Map<string, number[]>();
      let seq = 0;
      for (const { isAdd, subject, pick } of steps) {
        if (isAdd) {
          seq++;
          const seqs = counts.get(subject) ?? [];
          counts.set(subject, [...seqs, seq]);
          assert.equal(table.subject(table.add(subject, seq)), subject);
        } else if (counts.size > 0) {
          const [gone, seqs] = [...counts][pick % counts.size];
          const id = table.idOf(gone);
          assert.equal(table.remove(id), seqs.length === 1);
          seqs.shift();
          if (seqs.length === 0) counts.delete(gone);
          else table.setFirst(id, seqs[0]);
        }
        table.checkInvariants();
        assert.equal(table.size, counts.size);
      }
      for (const [subject, seqs] of counts) {
        const id = table.idOf(subject);
        assert.deepEqual(
          [table.count(id), table.first(id), table.last(id)],
          [seqs.length, seqs[0], seqs.at(-1)],
        );
      }
      for (const text of [...patterns, ...steps.slice(0, 3).map((step) => step.subject), ">", "*"]) {
        const found: string[] = [];
        const compiled = new SubjectPattern(text);
        table.forEachMatch(compiled, (id) => found.push(table.subject(id)));
        const expected = [...counts.keys()].filter((subject) => subjectMatches(subject, text));
        assert.deepEqual(found.toSorted(), expected.toSorted(), text);
        for (const subject of counts.keys()) {
          assert.equal(
            table.matches(table.idOf(subject), compiled),
            expected.includes(subject),
            `${text} ${subject}`,
          );
        }
      }
    }),
    { numRuns: 400 },
  );
});

test("a subject that was forgotten is not found, and its id and room are used again", () => {
  const table = new SubjectTable(BASIS);
  table.add("keep", 1);
  const id = table.add("a.b.c", 2);
  const used = table.usedBytes;
  for (let seq = 3; seq < 5000; seq++) {
    assert.ok(table.remove(table.idOf(`a.b.${seq === 3 ? "c" : seq - 1}`)));
    table.add(`a.b.${seq}`, seq);
  }
  assert.equal(table.idOf("a.b.c"), 0);
  assert.equal(table.idOf("a.b"), 0, "a beginning of subjects is none");
  assert.ok(table.idEnd <= id + 8, "ids are used again");
  assert.equal(table.usedBytes, used, "room is used again");
  table.checkInvariants();
});

test("many subjects: all found, little memory each, all given back", () => {
  const table = new SubjectTable(BASIS);
  const count = 60_000;
  for (let i = 0; i < count; i++) table.add(`$KV.bucket.key-${i}`, i + 1);
  for (let i = 0; i < count; i += 7) assert.equal(table.first(table.idOf(`$KV.bucket.key-${i}`)), i + 1);
  assert.ok(table.usedBytes / count < 110, `${table.usedBytes / count} bytes per subject`);
  const seen = new Set<number>();
  table.forEachMatch(new SubjectPattern("$KV.*.*"), (id) => seen.add(id));
  assert.equal(seen.size, count);
  table.checkInvariants();
  for (let i = 0; i < count; i++) table.remove(table.idOf(`$KV.bucket.key-${i}`));
  assert.equal(table.size, 0);
  assert.ok(table.usedBytes < 8192, "an empty table is small again");
});

test("subjects with very many tokens and of very many bytes cost memory in proportion to their length", () => {
  const table = new SubjectTable(BASIS);
  const deep = Array.from({ length: 2000 }, () => "a").join(".");
  const huge = `${"x".repeat(3_000_000)}.y`;
  for (const [i, subject] of [deep, `${deep}.b`, huge].entries()) table.add(subject, i + 1);
  assert.equal(table.subject(table.idOf(huge)), huge);
  const taken: number[] = [];
  table.forEachMatch(new SubjectPattern(`${deep.slice(0, -1)}*.b`), (id) => taken.push(table.first(id)));
  assert.deepEqual(taken, [2]);
  assert.ok(table.usedBytes < 7_000_000, `${table.usedBytes}`);
  table.checkInvariants();
});

test("subjects of one hash are told apart", () => {
  // Known to collide in FNV-1a.
  const [one, other] = ["declinate", "macallums"];
  assert.equal(fnv(one), fnv(other));
  const table = new SubjectTable(BASIS);
  table.add(`${one}.x`, 1);
  table.add(`${other}.y`, 2);
  assert.equal(table.idOf(`${other}.x`), 0);
  const found: string[] = [];
  table.forEachMatch(new SubjectPattern("*.x"), (id) => found.push(table.subject(id)));
  assert.deepEqual(found, [`${one}.x`]);
  table.checkInvariants();
});

function fnv(text: string): number {
  return Buffer.from(text).reduce((hash, byte) => Math.imul(hash ^ byte, HASH_PRIME), BASIS);
}
