import { same } from "../base/same.ts";
import type { Options } from "../config/options.ts";
import { diffOptions } from "../server/reload-diff.ts";
import type { Origins } from "./config-origins.ts";
import { allOptions, changedMembers, isDefault, shownValue, type OptionAt } from "./config-values.ts";

/** One side of a comparison. */
export interface Side {
  readonly options: Options;
  /** Null: a running server, which does not say. */
  readonly origins: Origins | null;
}

/** One option that differs. */
export interface Change {
  readonly option: string;
  /** Null: not to be shown. */
  readonly before: string | null;
  readonly after: string | null;
  /** What in it differs, where it has members. */
  readonly members: readonly string[];
  /** Where the values come from: `file:line`, a flag, `default`, `follows from other options`, `running server`. */
  readonly from: string;
  readonly to: string;
  /** Why a reload can't make it, in the server's words; empty: it can. */
  readonly refusals: readonly string[];
}

/** What would be other. */
export interface ConfigDiff {
  readonly changes: readonly Change[];
  /** What a reload does about all of it: it takes all or nothing. */
  readonly verdict: "same" | "reload" | "restart";
}

/** Compares two setups by the rules of a reload. `port`: the one a running server listens on; null where it is not known. */
export function diffSetups(old: Side, next: Side, port: number | null): ConfigDiff {
  const { changed, refused } = diffOptions(old.options, next.options, port);
  const after = new Map(allOptions(next.options).map((option) => [option.path, option]));
  const changes = allOptions(old.options).flatMap((before) => {
    const other = after.get(before.path);
    if (other === undefined || !changed.has(before.path) || same(before.value, other.value)) return [];
    return [changeOf(before, other, old, next, port, refused)];
  });
  const verdict = refused.length > 0 ? "restart" : changes.length > 0 ? "reload" : "same";
  return { changes, verdict };
}

function changeOf(
  before: OptionAt,
  after: OptionAt,
  old: Side,
  next: Side,
  port: number | null,
  refused: readonly string[],
): Change {
  const members =
    before.row.type === "custom" || before.row.type === "mappings" || before.row.type === "textmap";
  return {
    option: before.path,
    before: shownValue(before),
    after: shownValue(after),
    members: members ? changedMembers(before.value, after.value) : [],
    from: originOf(before, old.origins),
    to: originOf(after, next.origins),
    refusals: refusalsOf(before, after, old.options, next.options, port, refused),
  };
}

/**
 * Those of the refusals that are for one option: a reload speaks of its option by other names. They are found by
 * asking about it alone, both with what else there was and with what else there will be, since some rules look at others.
 */
function refusalsOf(
  before: OptionAt,
  after: OptionAt,
  old: Options,
  next: Options,
  port: number | null,
  refused: readonly string[],
): string[] {
  const path = before.path.split(".");
  const alone = [
    ...diffOptions(old, replaced(old, path, after.value), port).refused,
    ...diffOptions(replaced(next, path, before.value), next, port).refused,
  ];
  return refused.filter((text) => alone.includes(text));
}

/** A copy with another value at `path`. */
function replaced<Type extends object>(
  options: Type,
  [name, ...rest]: readonly string[],
  value: unknown,
): Type {
  const inner: unknown = Reflect.get(options, name);
  const isInside = rest.length > 0 && typeof inner === "object" && inner !== null;
  return { ...options, [name]: isInside ? replaced(inner, rest, value) : value };
}

/** Where the value of an option comes from. */
export function originOf(option: OptionAt, origins: Origins | null): string {
  if (origins === null) return "running server";
  return origins.get(option.path) ?? (isDefault(option) ? "default" : "follows from other options");
}
