/** One UTF-8 sequence in a wire string, or one byte that begins none: overlong, surrogate and cut-off ones are bytes. */
const UTF8_CHARACTER = new RegExp(
  [
    "[\\xc2-\\xdf][\\x80-\\xbf]",
    "\\xe0[\\xa0-\\xbf][\\x80-\\xbf]",
    "[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}",
    "\\xed[\\x80-\\x9f][\\x80-\\xbf]",
    "\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}",
    "[\\xf1-\\xf3][\\x80-\\xbf]{3}",
    "\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}",
    "[^]",
  ].join("|"),
  "g",
);

/** The characters of a wire string (one char code per byte): its UTF-8 sequences, and each byte that belongs to none. */
export function utf8Characters(wire: string): readonly string[] {
  return wire.match(UTF8_CHARACTER) ?? [];
}
