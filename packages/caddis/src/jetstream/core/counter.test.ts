import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  counterPayload,
  counterSourcesHeader,
  incremented,
  NEW_COUNTER,
  parseIncrement,
  readCounter,
  sourced,
} from "./counter.ts";

test("increments are whole numbers of any length, with or without a sign", () => {
  assert.equal(parseIncrement("1"), 1n);
  assert.equal(parseIncrement("+007"), 7n);
  assert.equal(parseIncrement("-0"), 0n);
  assert.equal(parseIncrement(`-${"9".repeat(400)}`), -BigInt("9".repeat(400)));
  for (const text of ["", "+", "-", "1.0", "1e3", "0x10", "1_0", " 1", "1 ", "--1", "+-1", "a"])
    assert.equal(parseIncrement(text), null, text);
});

test("a counter is what was added, whatever was read and written in between", () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt()), (increments) => {
      let counter = NEW_COUNTER;
      for (const increment of increments) {
        const read = readCounter(
          counterPayload(incremented(counter, increment)),
          counterSourcesHeader(counter),
        );
        assert.ok(read !== null);
        counter = read;
      }
      const sum = increments.reduce((a, b) => a + b, 0n);
      assert.equal(counterPayload(counter), `{"val":"${sum}"}`);
    }),
  );
});

test("sources count with what they changed", () => {
  let counter = incremented(NEW_COUNTER, 5n);
  const next = (stream: string, subject: string, value: string): bigint => {
    const result = sourced(counter, { stream, subject, payload: `{"val":"${value}"}` });
    assert.ok(result !== null);
    counter = result.counter;
    return result.increment;
  };
  assert.equal(next("B", "b", "10"), 10n);
  assert.equal(next("A", "x<y", "-3"), -3n);
  assert.equal(next("B", "b", "4"), -6n);
  assert.equal(counter.total, 5n + 4n - 3n);
  const header = counterSourcesHeader(counter);
  assert.equal(header, '{"A":{"x\\u003cy":"-3"},"B":{"b":"4"}}');
  assert.deepEqual(readCounter(counterPayload(counter), header), counter);
  assert.equal(sourced(counter, { stream: "A", subject: "a", payload: "nothing" }), null);
});

test("what is no counter's message, and what passes for one", () => {
  for (const payload of ["", "5", '"5"', "[]", '{"val":5}', '{"val":{}}', '{"val":"5"'])
    assert.equal(readCounter(payload, ""), null, payload);
  assert.equal(readCounter('{"VAL":"5","other":1}', "")?.total, 5n);
  for (const payload of ["{}", "null", '{"val":null}', '{"val":"abc"}'])
    assert.equal(readCounter(payload, "")?.total, 0n, payload);
  for (const header of ["5", "[]", '{"A":5}', '{"A":{"b":5}}', '{"A":[]}', "{"])
    assert.equal(readCounter('{"val":"5"}', header), null, header);
  assert.equal(
    readCounter('{"val":"5"}', '{"__proto__":{"b":"1"}}')?.sources.get("__proto__")?.get("b"),
    "1",
  );
});
