import assert from "node:assert/strict";
import { test } from "node:test";
import { samplePercent, samplingProblem } from "./sample-frequency.ts";

test("a sample frequency is a percentage", () => {
  assert.equal(samplePercent(""), 0);
  assert.equal(samplePercent("25%"), 25);
  assert.equal(samplePercent("+5"), 5);
  for (const frequency of ["", "0", "25%", "+5", "250"]) assert.equal(samplingProblem(frequency), null);
});

test("what is none is refused in the reference's words", () => {
  const cases: readonly [string, string][] = [
    ["-5", "<nil>"],
    ["x%", 'strconv.Atoi: parsing "x": invalid syntax'],
    ["%", 'strconv.Atoi: parsing "": invalid syntax'],
    ["5%%", 'strconv.Atoi: parsing "5%": invalid syntax'],
    ["99999999999999999999", 'strconv.Atoi: parsing "99999999999999999999": value out of range'],
    ['5é\n"<', String.raw`strconv.Atoi: parsing "5é\n\"<": invalid syntax`],
  ];
  for (const [frequency, reason] of cases) {
    const problem = samplingProblem(frequency);
    assert.equal(problem?.err_code, 10095);
    assert.equal(
      problem.description,
      `failed to parse consumer sampling configuration: ${reason}`,
      frequency,
    );
  }
});
