import { roleOfNkey } from "../base/nkey-text.ts";
import type { ReadContext } from "./read-context.ts";
import { findMembers, goType, quoted, readMembers, readText } from "./read-value.ts";
import type { ConfigEntry } from "./value.ts";

/** Reads `proxies`: the public keys of those that are trusted. */
export function readProxies({ value, at }: ConfigEntry, context: ReadContext): readonly string[] | undefined {
  const { report } = context;
  if (value.kind !== "map") {
    return report.error(at, `expected proxies to be a map/struct, got ${goType(value)}`);
  }
  const keys: string[] = [];
  readMembers(value, { trusted: (member) => readTrusted(member, keys, context) }, context);
  return keys;
}

function readTrusted({ value, at }: ConfigEntry, keys: string[], context: ReadContext): void {
  const { report } = context;
  if (value.kind !== "array") {
    report.error(at, `expected proxies' trusted field to be an array, got ${goType(value)}`);
    return;
  }
  for (const item of value.items) {
    if (item.kind !== "map") {
      report.error(item.at, `expected proxies' trusted entry to be a map/struct, got ${goType(item)}`);
      continue;
    }
    const errors = report.errors.length;
    const { key: entry } = findMembers(item, { key: "key", public_key: "key" }, context);
    const key = entry === undefined ? "" : (readText(entry, context) ?? "");
    if (roleOfNkey(key) !== null) keys.push(key);
    else if (report.errors.length === errors) {
      report.error(entry?.at ?? item.at, `invalid proxy key ${quoted(key)}`);
    }
  }
}
