/**
 * Sizes and counts with a suffix, as in configuration files: k, m, g, t, p, e are powers of 1,000; with b,
 * i or ib behind (`64kb`, `8MiB`) they are powers of 1,024.
 */

type Unit = "K" | "KB" | "M" | "MB" | "G" | "GB";

/** A size such as `"64KB"`; a plain number counts bytes. */
export type SizeText = `${number}${Unit | Lowercase<Unit>}` | (string & {});

/** Reads a size from text. Returns null when it is none, or too large for an exact number. */
export function parseSize(text: string): number | null {
  const found = /^(-?\d{1,19})(?:([kmgtpe])(b|i|ib)?)?$/i.exec(text);
  if (found === null) return null;
  const [, digits, letter, binary] = found;
  const power = letter === undefined ? 0 : "kmgtpe".indexOf(letter.toLowerCase()) + 1;
  const size = Number(digits) * (binary === undefined ? 1000 : 1024) ** power;
  return Number.isSafeInteger(size) ? size : null;
}
