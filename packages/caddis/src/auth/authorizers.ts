import { hash } from "node:crypto";
import type { Permissions } from "../config/permissions.ts";
import { Authorizer } from "./authorizer.ts";
import { DecisionCache } from "./decision-cache.ts";

/** How many authorizers are known before those that nobody has any more are looked for. */
const SWEEP_AT_LEAST = 256;

/**
 * The authorizers of one server: connections with equal permissions share one, and all of them share one
 * memory of decisions. An authorizer lives as long as somebody has it.
 */
export class Authorizers {
  readonly #cache = new DecisionCache();
  /** By the very object, as configured users have it. */
  readonly #byIdentity = new WeakMap<Permissions, Authorizer>();
  /** By a digest of the content, as JWTs with the same template have it. */
  readonly #byContent = new Map<string, WeakRef<Authorizer>>();
  #sweepAt = SWEEP_AT_LEAST;

  /** Known authorizers, some of which may be gone: fewer than `SWEEP_AT_LEAST`, or twice those in use at the last sweep. */
  get size(): number {
    return this.#byContent.size;
  }

  /** The authorizer for `permissions`, which nobody changes afterwards. */
  for(permissions: Permissions): Authorizer {
    const same = this.#byIdentity.get(permissions);
    if (same !== undefined) return same;
    const key = digestOf(permissions);
    const authorizer = this.#byContent.get(key)?.deref() ?? this.#compile(permissions, key);
    this.#byIdentity.set(permissions, authorizer);
    return authorizer;
  }

  #compile(permissions: Permissions, key: string): Authorizer {
    if (this.#byContent.size >= this.#sweepAt) this.#sweep();
    const made = new Authorizer(permissions, this.#cache);
    this.#byContent.set(key, new WeakRef(made));
    return made;
  }

  #sweep(): void {
    for (const [key, reference] of this.#byContent) {
      if (reference.deref() === undefined) this.#byContent.delete(key);
    }
    this.#sweepAt = Math.max(SWEEP_AT_LEAST, 2 * this.#byContent.size);
  }
}

/** Whoever has it cannot find other permissions with the same. Lists in another order are others. */
function digestOf({ publish, subscribe, responses }: Permissions): string {
  const content = [
    [publish.allow, publish.deny],
    [subscribe.allow, subscribe.deny],
    responses === null ? null : [responses.max, responses.expiresMs],
  ];
  return hash("sha256", JSON.stringify(content), "base64");
}
