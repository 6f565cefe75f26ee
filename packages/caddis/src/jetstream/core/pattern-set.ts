/**
 * Subjects that may have wildcards, to be asked how another one relates to them. Wire strings, valid subjects.
 * Requests may bring a hundred thousand of them, so each question walks a trie instead of all of them, with a list
 * of its own instead of recursion: subjects may have as many tokens.
 */
export class PatternSet {
  readonly #root = new PatternNode();

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
