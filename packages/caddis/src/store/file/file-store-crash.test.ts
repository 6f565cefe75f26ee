import { test } from "node:test";
import { STORE_USES, storeLives } from "../../../../../test/support/store-lives.ts";

for (const use of STORE_USES) {
  test(`what was durable is there after a crash of ${use.name}, and nothing else is`, async () => {
    const first = Number(process.env["SEED"] ?? 1);
    const count = process.env["SEED"] === undefined ? Number(process.env["SEEDS"] ?? 25) : 1;
    for (let seed = first; seed < first + count; seed++) {
      try {
        await storeLives(seed, use);
      } catch (error) {
        throw new Error(`failed with SEED=${seed}`, { cause: error });
      }
    }
  });
}
