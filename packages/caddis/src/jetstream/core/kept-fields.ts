import type { FieldTable, FieldType } from "./json-fields.ts";

/**
 * Whether `value`, which comes from a file as JSON, holds every field of a table as it is once it was decoded: an
 * `Instant` for a time, pairs for an object whose keys are data. `mayBeNull`: what is not set is null. Fields that the
 * table does not have are of no account, nor is what numbers and strings say.
 */
export function holdsFields(
  value: unknown,
  fields: FieldTable,
  mayBeNull: (name: string, type: FieldType) => boolean = isOptional,
): boolean {
  if (!isRecord(value)) return false;
  return Object.entries(fields).every(([name, type]) =>
    value[name] === null ? mayBeNull(name, type) : holds(value[name], type),
  );
}

/** Whether a value from a file is an object with members. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function holds(value: unknown, type: FieldType): boolean {
  switch (type) {
    case "string":
    case "wire":
      return typeof value === "string";
    case "bool":
      return typeof value === "boolean";
    case "time":
      return isRecord(value) && typeof value["ms"] === "number" && typeof value["ns"] === "number";
    case "int":
    case "int32":
    case "int64":
    case "uint64":
    case "duration":
      return typeof value === "number";
  }
  switch (type.kind) {
    case "list":
      return Array.isArray(value) && value.every((item: unknown) => holds(item, type.element));
    case "texts":
      return Array.isArray(value) && value.every(isPair);
    case "words":
      return typeof value === "string" && [...type.words.values()].includes(value);
    case "object":
      return holdsFields(value, type.fields);
  }
}

function isPair(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every((text) => typeof text === "string");
}

/** Parts of a configuration that may be left out. */
function isOptional(_name: string, type: FieldType): boolean {
  return type === "time" || (typeof type === "object" && type.kind === "object");
}
