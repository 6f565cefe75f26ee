import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldsOf, withField } from "./header-block.ts";

const NAME = "Nats-Request-Info";

test("a field comes behind the others", () => {
  assert.equal(withField("", NAME, "x"), `NATS/1.0\r\n${NAME}: x\r\n\r\n`);
  assert.equal(withField("NATS/1.0\r\n\r\n", NAME, "x"), `NATS/1.0\r\n${NAME}: x\r\n\r\n`);
  assert.equal(
    withField("NATS/1.0 503\r\nA: b\r\n\r\n", NAME, "x"),
    `NATS/1.0 503\r\nA: b\r\n${NAME}: x\r\n\r\n`,
  );
});

test("a field that is there is replaced, however it is spelled", () => {
  const spellings = [
    `${NAME}: forged\r\n`,
    `${NAME}: forged\r\n${NAME}: again\r\n`,
    "nats-request-info: forged\r\n",
    `${NAME.toUpperCase()} : forged\r\n`,
    `${NAME}\r\n`,
  ];
  for (const spelling of spellings) {
    const block = withField(`NATS/1.0\r\nA: b\r\n${spelling}C: d\r\n\r\n`, NAME, "true");
    assert.equal(block, `NATS/1.0\r\nA: b\r\nC: d\r\n${NAME}: true\r\n\r\n`);
  }
  for (const lineEnd of ["\n", "\r"]) {
    const block = withField(`NATS/1.0\r\nA: b${lineEnd}${NAME}: forged\r\n\r\n`, NAME, "true");
    assert.ok(!block.includes("forged"), "some libraries take it for the end of a line");
  }
  assert.ok(withField(`NATS/1.0\r\nA: ${NAME}: b\r\n\r\n`, NAME, "x").includes(`A: ${NAME}: b\r\n`));
});

test("a block that breaks off does not swallow the field", () => {
  for (const block of ["NATS/1.0\r\nA: b", "NATS/1.0\r\nA: b\r", "NATS/1.0\r\nA: b\r\n"])
    assert.equal(withField(block, NAME, "x"), `NATS/1.0\r\nA: b\r\n${NAME}: x\r\n\r\n`);
});

test("fields have one spelling", () => {
  const fields = fieldsOf("NATS/1.0\r\nx-b3-TRACEID: 1\r\nX-B3-TraceId:2 \r\n\r\n");
  assert.deepEqual([...fields], [["X-B3-Traceid", ["1", "2"]]]);
  assert.equal(fieldsOf("NATS/1.0\r\nA: b\r\nbroken\r\n\r\n").size, 0);
  assert.equal(fieldsOf("NATS/1.0\r\n__proto__: b\r\n\r\n").get("__proto__")?.[0], "b");
});
