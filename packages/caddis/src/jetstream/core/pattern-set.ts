import { isValidConfiguredSubject } from "../../subject/subject.ts";

/** A hundred thousand subjects of some tokens need a million; this many take about half a second. */
const STEPS_MAX = 5_000_000;

/**
 * Subjects that may have wildcards, to be asked how another one relates to them. Wire strings, valid subjects.
 * Requests may bring a hundred thousand of them, so each question walks a trie instead of all of them, with a list
 * of its own instead of recursion: subjects may have as many tokens. Who is asked too much (`isTired`) answers yes.
 */
export class PatternSet {
  readonly #root = new PatternNode();
  #steps = 0;

  /**
   * Whether the questions so far took so long that no more are to be asked: wildcards, and thousands of patterns that
   * begin alike, can make each of them a walk through all of the trie.
   */
  get isTired(): boolean {
    return this.#steps > STEPS_MAX;
  }

  /** Adds a pattern; false when the very same is there already. */
  add(pattern: string): boolean {
    let node = this.#root;
    for (const token of pattern.split(".")) {
      let child = node.children.get(token);
      if (child === undefined) node.children.set(token, (child = new PatternNode()));
      node = child;
    }
    if (node.isEnd) return false;
    node.isEnd = true;
    return true;
  }

  /** Whether another pattern than `pattern` itself matches all that it matches. */
  coversByAnother(pattern: string): boolean {
    const tokens = pattern.split(".");
    const last = tokens.length - 1;
    const steps: Step[] = [{ node: this.#root, depth: 0, isSame: true }];
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      const { node, depth, isSame } = step;
      if (++this.#steps > STEPS_MAX) return true;
      const token = tokens[depth];
      if (token !== ">" && node.children.get(">")?.isEnd === true) return true;
      for (const candidate of token === "*" || token === ">" ? [token] : [token, "*"]) {
        const child = node.children.get(candidate);
        if (child === undefined) continue;
        const isStillSame = isSame && candidate === token;
        if (depth < last) steps.push({ node: child, depth: depth + 1, isSame: isStillSame });
        else if (child.isEnd && !isStillSame) return true;
      }
    }
    return false;
  }

  /** Whether some subject is matched by `pattern` and by one of these. */
  collidesWith(pattern: string): boolean {
    const tokens = pattern.split(".");
    const last = tokens.length - 1;
    const steps: Step[] = [{ node: this.#root, depth: 0, isSame: true }];
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      const { node, depth } = step;
      if (++this.#steps > STEPS_MAX) return true;
      const token = tokens[depth];
      if (node.children.get(">")?.isEnd === true) return true;
      if (token === ">" && node.children.size > 0) return true;
      for (const child of token === "*" ? node.children.values() : picked(node, token)) {
        if (depth < last) steps.push({ node: child, depth: depth + 1, isSame: false });
        else if (child.isEnd) return true;
      }
    }
    return false;
  }
}

/**
 * The index of the first of `patterns` that some subject is matched by together with a later one; -1: there is none.
 * What is no valid subject is left out. Also the place where it takes too long to say, where nothing need collide.
 */
export function firstColliding(patterns: readonly string[]): number {
  const later = new PatternSet();
  let first = -1;
  for (let index = patterns.length - 1; index >= 0; index--) {
    const pattern = patterns[index];
    if (!isValidConfiguredSubject(pattern)) continue;
    if (later.collidesWith(pattern)) first = index;
    if (later.isTired) return index;
    later.add(pattern);
  }
  return first;
}

class PatternNode {
  readonly children = new Map<string, PatternNode>();
  isEnd = false;
}

interface Step {
  readonly node: PatternNode;
  readonly depth: number;
  /** So far the way down is the pattern asked about, token by token. */
  readonly isSame: boolean;
}

/** The children that match what a literal token matches. */
function picked(node: PatternNode, token: string): PatternNode[] {
  const found: PatternNode[] = [];
  for (const candidate of [token, "*"]) {
    const child = node.children.get(candidate);
    if (child !== undefined) found.push(child);
  }
  return found;
}
