import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBenchArguments } from "./arguments.ts";
import { casesMatching } from "./cases.ts";

test("without arguments: all cases, three rounds, results kept", () => {
  const options = parseBenchArguments([]);
  assert.equal(options.rounds, 3);
  assert.equal(options.short, false);
  assert.equal(options.jsonFile, ".bench/latest.json");
  assert.equal(options.only, undefined);
  assert.ok(casesMatching(options.pattern).length >= 20);
});

test("a short run is one round and writes nothing unless asked", () => {
  assert.equal(parseBenchArguments(["--short"]).rounds, 1);
  assert.equal(parseBenchArguments(["--short"]).jsonFile, undefined);
  assert.equal(parseBenchArguments(["--short", "--json", "x.json"]).jsonFile, "x.json");
});

test("--case is a regular expression on names", () => {
  const { pattern } = parseBenchArguments(["--case", "^1to1-16$|^request-1$"]);
  assert.deepEqual(
    casesMatching(pattern).map(({ name }) => name),
    ["1to1-16", "request-1"],
  );
});

test("mistakes are told, not guessed around", () => {
  assert.throws(
    () => parseBenchArguments(["--rounds", "two"]),
    /--rounds must be a number above 0, not "two"/,
  );
  assert.throws(() => parseBenchArguments(["--rounds", "1.5"]), /--rounds must be a whole number/);
  assert.throws(() => parseBenchArguments(["--seconds", "0"]), /--seconds must be a number above 0/);
  assert.throws(() => parseBenchArguments(["--only", "theirs"]), /--only must be "ours" or "reference"/);
  assert.throws(() => parseBenchArguments(["--fast"]), /Unknown option/);
});
