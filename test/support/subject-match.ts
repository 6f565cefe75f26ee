/**
 * Whether a message published to `literal` reaches a subscription to `pattern`, a valid subject. Tokens of
 * `literal` mean themselves, wildcards too, since servers let clients publish to `foo.*`. A literal with an
 * empty token reaches nobody. Plain rather than fast: the measure for everything that is fast.
 */
export function subjectMatches(literal: string, pattern: string): boolean {
  const tokens = literal.split(".");
  const wanted = pattern.split(".");
  if (tokens.includes("")) return false;
  if (wanted.at(-1) === ">") {
    wanted.pop();
    if (tokens.length <= wanted.length) return false;
  } else if (tokens.length !== wanted.length) {
    return false;
  }
  return wanted.every((token, i) => token === "*" || token === tokens[i]);
}
