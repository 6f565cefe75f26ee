import { randomBytes } from "node:crypto";
import type { Random } from "../random.ts";

/** The system's generators. */
export const systemRandom: Random = {
  fraction: () => Math.random(),
  below: (below) => Math.floor(Math.random() * below),
  bytes: (count) => randomBytes(count),
};
