const FULL_WILDCARD = ">";
const PARTIAL_WILDCARD = "*";

class TrieNode {
  children: Map<string, TrieNode> | null = null;
  isEnd = false;
}

/**
 * Subjects with wildcards, to be asked whether one of them takes a literal subject: a walk along the subject's tokens,
 * however many there are. Wire strings, valid subjects.
 */
export class PatternTrie {
  readonly #root = new TrieNode();

  add(pattern: string): void {
    let node = this.#root;
    for (const token of pattern.split(".")) {
      const children: Map<string, TrieNode> = (node.children ??= new Map<string, TrieNode>());
      let child = children.get(token);
      if (child === undefined) children.set(token, (child = new TrieNode()));
      node = child;
    }
    node.isEnd = true;
  }

  takes(subject: string): boolean {
    const tokens = subject.split(".");
    // A list instead of recursion: subjects may have thousands of tokens.
    const nodes = [this.#root];
    const depths = [0];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      const depth = depths.pop() ?? 0;
      if (depth === tokens.length) {
        if (node.isEnd) return true;
        continue;
      }
      const { children } = node;
      if (children === null) continue;
      if (children.has(FULL_WILDCARD)) return true;
      for (const token of [PARTIAL_WILDCARD, tokens[depth]]) {
        const child = children.get(token);
        if (child === undefined) continue;
        nodes.push(child);
        depths.push(depth + 1);
      }
    }
    return false;
  }
}
