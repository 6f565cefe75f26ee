import assert from "node:assert/strict";
import { test } from "node:test";
import type { OptionTable } from "./option-row.ts";
import { OPTIONS } from "./options.ts";
import { Definitions } from "./schema-parts.ts";
import { customSchema } from "./schema-security.ts";
import { configSchema } from "./schema.ts";

function membersAt(name: string): Record<string, object> {
  return { ...configSchema().definitions?.[name]?.properties };
}

test("every option is offered under each of its names, with what it does", () => {
  const check = (table: OptionTable, place: string, prefix: string): void => {
    const members = membersAt(place);
    for (const [name, row] of Object.entries(table)) {
      assert.match(JSON.stringify(members[name]), /"description":/, name);
      for (const alias of row.aliases ?? []) {
        assert.deepEqual(members[alias], { $ref: `#/definitions/${place}/properties/${name}` });
      }
      if (row.type === "block") check(row.rows, prefix + name, `${prefix}${name}.`);
    }
  };
  check(OPTIONS, "options", "");
});

test("no option with a reader of its own is left to the server", () => {
  const check = (table: OptionTable, prefix: string): void => {
    for (const [name, row] of Object.entries(table)) {
      if (row.type === "block") check(row.rows, `${prefix}${name}.`);
      if (row.type === "custom") assert.notEqual(customSchema(row, new Definitions()), null, prefix + name);
    }
  };
  check(OPTIONS, "");
});

test("defaults are shown as a file would have them", () => {
  const { max_payload, ping_interval } = membersAt("options");
  assert.deepEqual(Reflect.get(max_payload, "default"), 1_048_576);
  assert.deepEqual(Reflect.get(ping_interval, "default"), "2m0s");
});
