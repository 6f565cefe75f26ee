import { hasWildcard } from "../subject/subject.ts";

/** Whether some literal subject is matched by both of two valid subjects. */
export function subjectsOverlap(a: string, b: string): boolean {
  const left = a.split(".");
  const right = b.split(".");
  const shorter = Math.min(left.length, right.length);
  for (let i = 0; i < shorter; i++) {
    if (left[i] === ">" || right[i] === ">") return true;
    if (left[i] !== right[i] && left[i] !== "*" && right[i] !== "*") return false;
  }
  return left.length === right.length;
}

/**
 * Whether a rule about the queue `pattern` is about `queue`: the same text, or covered by its wildcards. As
 * in the reference, next to a real wildcard a token that only begins with `*` stands for any token too.
 */
export function queueMatches(queue: string, pattern: string): boolean {
  if (queue === pattern) return true;
  if (!hasWildcard(pattern)) return false;
  const tokens = queue.split(".");
  const wanted = pattern.split(".");
  for (let i = 0; i < wanted.length; i++) {
    if (i >= tokens.length) return false;
    if (wanted[i] === ">") return true;
    if (!queueTokenMatches(tokens[i], wanted[i])) return false;
  }
  return tokens.length === wanted.length;
}

function queueTokenMatches(token: string, wanted: string): boolean {
  if (token === "" || token === ">") return false;
  if (token === "*") return wanted === "*";
  return token === wanted || wanted.startsWith("*");
}
