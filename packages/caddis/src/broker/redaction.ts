/** What stands for a secret wherever something is shown. */
export const REDACTED = "[REDACTED]";

/**
 * Keys of a CONNECT whose values nobody may see; longer keys that end like one hide theirs as well (`proxy_sig`).
 * Letters that fold to those of a key count as such, as they do where a CONNECT is read. nats-server shows the
 * JWT; a bearer's is as good as a password, and what kind it is is not known before it was decoded.
 */
const SECRET_KEYS = /(?:pass|password|auth_token|sig|nkey|jwt)$/iu;

/**
 * A string, with the value behind it where it is a key, or with the bracket that begins the value. Whatever is left
 * open ends with the text, so that each character is looked at once and no secret shows behind a missing quote.
 */
const JSON_STRING = /("(?:[^"\\]|\\[^]?)*"?)(?:(\s*:\s*)("(?:[^"\\]|\\[^]?)*"?|[[{]|[^\s,{}[\]"]+))?/g;

/** Length of a seed. */
export const SEED_CHARS = 58;

/** A seed, of whatever role, and a token, perhaps cut off: wherever they turn up, they are none of a reader's business. */
const SECRET_TEXTS = /S[ACNOUX][A-Z2-7]{56}|eyJ[\w-]{8,}(?:\.[\w-]*){0,2}/g;

/**
 * The argument of a CONNECT without its secrets; it need not be valid JSON. Where a secret should be and a list or
 * an object begins, nothing is shown of the rest.
 */
export function redactConnect(json: string): string {
  let shown = "";
  let at = 0;
  for (const match of json.matchAll(JSON_STRING)) {
    const [whole, key, colon, value] = match;
    shown += json.slice(at, match.index);
    at = match.index + whole.length;
    if (value === undefined || !SECRET_KEYS.test(spelledKey(key))) {
      shown += whole;
      continue;
    }
    if (value === "[" || value === "{") return withoutSecrets(shown + key + colon + REDACTED);
    shown += key + colon + redactedValue(value);
  }
  return withoutSecrets(shown + json.slice(at));
}

/** What stands for a value, with the quotes that it has. */
function redactedValue(value: string): string {
  if (!value.startsWith('"')) return REDACTED;
  return `"${REDACTED}${/^"(?:[^"\\]|\\[^])*"$/.test(value) ? '"' : ""}`;
}

/** `text`, which somebody else has written, without seeds and tokens: some put them where a name belongs. */
export function withoutSecrets(text: string): string {
  return text.replaceAll(SECRET_TEXTS, REDACTED);
}

/** What a quoted key says once its escapes are read, as whoever reads the CONNECT will read it. */
function spelledKey(quoted: string): string {
  const unescaped = quoted.replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return unescaped.replaceAll(/^"|"$/g, "");
}
