/** Values in the JSON that the reference's tools read. */

const HTML_CHARACTERS = /[<>&\u2028\u2029]/g;

/** JSON of `value` as Go writes it, which spells out what HTML could take for markup. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(
    HTML_CHARACTERS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A wall-clock time in milliseconds as RFC 3339 in UTC, with no zeros at the end of the fraction. */
export function goTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0*Z$/, "Z");
}

/** Milliseconds as the nanoseconds that Go's durations are. */
export function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}
