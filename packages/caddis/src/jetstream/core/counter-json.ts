const HTML_CHARACTERS = /[<>&\u2028\u2029]/g;

/** `text` as Go's JSON writes it, which spells out what HTML could take for markup. */
export function goJsonText(text: string): string {
  return JSON.stringify(text).replace(
    HTML_CHARACTERS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
