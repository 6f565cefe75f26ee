/** Some of many texts are enough. */
const LISTED_MAX = 5;

/** The first of `texts` in a line, and how many more there are; null: there are none. */
export function listed(texts: readonly string[]): string | null {
  if (texts.length === 0) return null;
  const more = texts.length > LISTED_MAX ? `; and ${texts.length - LISTED_MAX} more` : "";
  return texts.slice(0, LISTED_MAX).join("; ") + more;
}
