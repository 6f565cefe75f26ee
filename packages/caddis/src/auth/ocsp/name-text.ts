import { decodeDer, TAG } from "./der.ts";

/**
 * The parts of a name that are shown, in the order in which the reference does: it takes a name apart into these
 * fields, and leaves out all others.
 */
const PARTS: ReadonlyMap<string, string> = new Map([
  ["2.5.4.5", "SERIALNUMBER"],
  ["2.5.4.3", "CN"],
  ["2.5.4.17", "POSTALCODE"],
  ["2.5.4.9", "STREET"],
  ["2.5.4.8", "ST"],
  ["2.5.4.7", "L"],
  ["2.5.4.11", "OU"],
  ["2.5.4.10", "O"],
  ["2.5.4.6", "C"],
]);

/** Of these a name has one; the last counts. */
const SINGLE: ReadonlySet<string> = new Set(["2.5.4.5", "2.5.4.3"]);

/** A name (DER) for people: logs and events. Two names may have the same text. */
export function nameText(name: Uint8Array): string {
  const values = readValues(name);
  return [...PARTS]
    .flatMap(([oid, label]) => {
      const all = values.get(oid) ?? [];
      const shown = SINGLE.has(oid) ? all.slice(-1) : all;
      return shown.length === 0 ? [] : [shown.map((value) => `${label}=${escapeValue(value)}`).join("+")];
    })
    .join(",");
}

function readValues(name: Uint8Array): Map<string, string[]> {
  const values = new Map<string, string[]>();
  decodeDer(name, (reader) => {
    const sets = reader.enter(TAG.sequence);
    while (!sets.isAtEnd) {
      const set = sets.enter(TAG.set);
      while (!set.isAtEnd) {
        const attribute = set.enter(TAG.sequence);
        const oid = attribute.oid();
        const text = Buffer.from(attribute.read(attribute.tag)).toString("utf8");
        attribute.end();
        if (!values.get(oid)?.push(text)) values.set(oid, [text]);
      }
    }
  });
  return values;
}

/** RFC 2253, section 2.4; control characters too, since the text goes into log lines. */
function escapeValue(value: string): string {
  return value
    .replaceAll(/[,+"\\<>;]|^[# ]|(?<!^) $/g, "\\$&")
    .replaceAll(/\p{Cc}/gu, (char) => `\\${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
