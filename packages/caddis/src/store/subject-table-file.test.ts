import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { FieldReader, FieldWriter } from "./file/byte-fields.ts";
import { SubjectPattern } from "./subject-pattern.ts";
import { SubjectTable } from "./subject-table.ts";

const subject = fc
  .array(fc.constantFrom("a", "b", "cd", "a-long-token"), { minLength: 1, maxLength: 4 })
  .map((tokens) => tokens.join("."));
const step = fc.record({ isAdd: fc.integer({ min: 0, max: 2 }).map((n) => n > 0), subject });

function saved(table: SubjectTable): Buffer {
  const fields = new FieldWriter();
  table.save(fields);
  return fields.content;
}

function loaded(content: Buffer): SubjectTable {
  const table = new SubjectTable(99);
  const fields = new FieldReader(content);
  table.load(fields);
  assert.equal(fields.isOver, false);
  return table;
}

/** Does the same to all tables; they are to be the same afterwards, ids included. */
function doAll(tables: readonly SubjectTable[], steps: readonly { isAdd: boolean; subject: string }[]): void {
  let seq = 1000;
  for (const { isAdd, subject } of steps) {
    seq++;
    for (const table of tables) {
      const id = table.idOf(subject);
      if (isAdd) table.add(subject, seq);
      else if (id !== 0 && table.remove(id)) assert.equal(table.idOf(subject), 0);
    }
  }
}

function contentOf(table: SubjectTable): string[] {
  const all: string[] = [];
  table.forEach((id) =>
    all.push(`${id} ${table.subject(id)} ${table.first(id)} ${table.last(id)} ${table.count(id)}`),
  );
  const found: string[] = [];
  table.forEachMatch(new SubjectPattern("a.>"), (id) => found.push(table.subject(id)));
  return [...all, ...found.toSorted()];
}

test("a table that was saved and loaded is the same, and goes on as the same", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(step, { maxLength: 30 }), (before, after) => {
      const table = new SubjectTable(7);
      doAll([table], before);
      const copy = loaded(saved(table));
      copy.checkInvariants();
      assert.equal(copy.size, table.size);
      assert.equal(copy.usedBytes, table.usedBytes);
      assert.deepEqual(contentOf(copy), contentOf(table));
      doAll([table, copy], after);
      copy.checkInvariants();
      assert.deepEqual(contentOf(copy), contentOf(table));
    }),
  );
});

test("so is one of many pages, with gaps", () => {
  const table = new SubjectTable(7);
  for (let i = 1; i <= 9000; i++) table.add(`orders.${i % 97}.${i}`, i);
  for (let i = 1; i <= 9000; i += 3) table.remove(table.idOf(`orders.${i % 97}.${i}`));
  const copy = loaded(saved(table));
  copy.checkInvariants();
  assert.deepEqual(contentOf(copy), contentOf(table));
  for (let i = 1; i <= 9000; i++) for (const each of [table, copy]) each.add(`more.${i}`, i);
  copy.checkInvariants();
  assert.deepEqual(contentOf(copy), contentOf(table));
  // What was free there is used here as well.
  assert.equal(copy.usedBytes, table.usedBytes);
});

test("what is cut off is known to be", () => {
  const table = new SubjectTable(7);
  for (const name of ["a.b", "a.c", "d"]) table.add(name, 1);
  const content = saved(table);
  for (let length = 0; length < content.length; length++) {
    const fields = new FieldReader(content.subarray(0, length));
    new SubjectTable(1).load(fields);
    assert.equal(fields.isOver, true, `${length} bytes`);
  }
});
