import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { optionsDocument } from "../scripts/generate-options-doc.ts";

test("docs/options.md is what the table of options says", () => {
  const written = readFileSync(new URL("../docs/options.md", import.meta.url), "utf8");
  assert.equal(written, optionsDocument(), "run: node scripts/generate-options-doc.ts");
});
