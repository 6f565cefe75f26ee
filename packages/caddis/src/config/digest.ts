import { createHash } from "node:crypto";
import type { ConfigValue, MapValue } from "./value.ts";

/**
 * The digest nats-server shows for a configuration: the SHA-256 of the parsed map as Go's `encoding/json`
 * writes it, with a line break behind. Variables and included files count by what they stand for.
 */
export function configDigest(config: MapValue): string {
  const hash = createHash("sha256").update(jsonOf(config)).update("\n");
  return `sha256:${hash.digest("hex")}`;
}

function jsonOf(value: ConfigValue): string {
  switch (value.kind) {
    case "int":
    case "bool":
      return value.value.toString();
    case "float":
      return Object.is(value.value, -0) ? "-0" : String(value.value);
    case "string":
    case "datetime":
      return jsonOfString(value.value);
    case "array":
      return `[${value.items.map((item) => jsonOf(item)).join(",")}]`;
    default:
      return jsonOfMap(value);
  }
}

function jsonOfMap(map: MapValue): string {
  const entries = [...map.entries.values()];
  // Go sorts keys by their UTF-8 bytes, which differs from UTF-16 order beyond U+FFFF.
  entries.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  return `{${entries.map((entry) => `${jsonOfString(entry.key)}:${jsonOf(entry.value)}`).join(",")}}`;
}

/** Go escapes what JavaScript does and, for the sake of HTML, five characters more. */
function jsonOfString(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(/[<>&\u2028\u2029]/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
