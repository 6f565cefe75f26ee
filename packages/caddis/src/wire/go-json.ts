/**
 * JSON objects decoded the way the reference's runtime (Go) does it: unknown keys are ignored, known ones
 * match in any case, the last occurrence wins, `null` leaves a field as it is, and a value of the wrong
 * type is an error. One difference is left: of a key that comes twice in the same spelling around another
 * casing of it, the other casing wins.
 */
export type GoType = "string" | "bool" | "int" | "strings" | "object";

/** The known fields, in lower case. */
export type GoFields = Readonly<Record<string, GoType>>;

/** Integers are 64-bit there. */
const INT64_LIMIT = 2 ** 63;

/** The known fields that `json` holds, or what is wrong with it. `null` counts as an empty object. */
export function decodeGoObject(
  json: string,
  fields: GoFields,
): { readonly values: Readonly<Record<string, unknown>> } | { readonly problem: string } {
  let parsed: unknown;
  // An integer is one only if it is written as one: 1.0 and 1e0 are refused. Members by their object.
  const fractional: { readonly object: unknown; readonly key: string }[] = [];
  try {
    parsed = JSON.parse(json, function (this: unknown, key, value: unknown, context?: { source?: string }) {
      if (typeof value === "number" && context?.source !== undefined && !/^-?\d+$/.test(context.source)) {
        fractional.push({ object: this, key });
      }
      return value;
    });
  } catch (error) {
    return { problem: error instanceof Error ? error.message : "not JSON" };
  }
  const values: Record<string, unknown> = {};
  if (parsed === null) return { values };
  if (typeof parsed !== "object" || Array.isArray(parsed)) return { problem: "not a JSON object" };
  const isFractional = (key: string): boolean =>
    fractional.some((member) => member.object === parsed && member.key === key);
  for (const [key, value] of Object.entries(parsed)) {
    const name = key.toLowerCase();
    if (value === null || !Object.hasOwn(fields, name)) continue;
    const fits = fields[name] === "int" ? isInt(value) && !isFractional(key) : hasType(value, fields[name]);
    if (!fits) return { problem: `wrong type for ${JSON.stringify(name)}` };
    values[name] = value;
  }
  return { values };
}

function isInt(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && Math.abs(value) < INT64_LIMIT;
}

function hasType(value: unknown, type: GoType): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "bool":
      return typeof value === "boolean";
    case "int":
      return isInt(value);
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "object":
      return typeof value === "object" && !Array.isArray(value);
  }
}
