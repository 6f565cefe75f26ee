import { assert } from "../base/assert.ts";
import type { Interested } from "./interested.ts";
import type { MatchResult } from "./match-result.ts";

/** A place in the trie: the tokens on the way to it are the beginning of a subject with wildcards. */
class TrieNode {
  /** The subscriptions whose subject ends here. */
  first: Interested | null = null;
  readonly token: string;
  /**
   * Below a literal token: a single child stands here, from the second one on all of them in `#children`.
   * Most nodes have one, and a map would be five times their size.
   */
  #onlyChild: TrieNode | null = null;
  #children: Map<string, TrieNode> | null = null;
  /** Below a `*`. */
  partial: TrieNode | null = null;
  /** At a `>`. */
  full: TrieNode | null = null;

  constructor(token: string) {
    this.token = token;
  }

  get isEmpty(): boolean {
    return (
      this.first === null &&
      this.#onlyChild === null &&
      this.#children === null &&
      this.partial === null &&
      this.full === null
    );
  }

  /** Nothing is below but what a `>` takes. */
  get isLeaf(): boolean {
    return this.partial === null && this.#onlyChild === null && this.#children === null;
  }

  add(subscription: Interested): void {
    subscription.next = this.first;
    if (this.first !== null) this.first.previous = subscription;
    this.first = subscription;
  }

  remove(subscription: Interested): void {
    const { previous, next } = subscription;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next !== null) next.previous = previous;
    subscription.previous = null;
    subscription.next = null;
  }

  child(token: string): TrieNode | null {
    if (token === "*") return this.partial;
    if (token === ">") return this.full;
    return this.literalChild(token);
  }

  /** The child below this very token, be it spelled like a wildcard. */
  literalChild(token: string): TrieNode | null {
    const only = this.#onlyChild;
    if (only !== null) return only.token === token ? only : null;
    return this.#children === null ? null : (this.#children.get(token) ?? null);
  }

  childOrNew(token: string): TrieNode {
    const existing = this.child(token);
    if (existing !== null) return existing;
    const made = new TrieNode(token);
    if (token === "*") this.partial = made;
    else if (token === ">") this.full = made;
    else this.#addLiteral(made);
    return made;
  }

  removeChild(token: string): void {
    if (token === "*") this.partial = null;
    else if (token === ">") this.full = null;
    else if (this.#children === null) this.#onlyChild = null;
    else {
      this.#children.delete(token);
      if (this.#children.size === 0) this.#children = null;
    }
  }

  forEachChild(visit: (child: TrieNode) => void): void {
    if (this.partial !== null) visit(this.partial);
    if (this.full !== null) visit(this.full);
    if (this.#onlyChild !== null) visit(this.#onlyChild);
    if (this.#children !== null) for (const child of this.#children.values()) visit(child);
  }

  #addLiteral(made: TrieNode): void {
    const only = this.#onlyChild;
    if (only === null && this.#children === null) {
      this.#onlyChild = made;
      return;
    }
    this.#children ??= new Map();
    if (only !== null) this.#children.set(only.token, only);
    this.#onlyChild = null;
    this.#children.set(made.token, made);
  }
}

/**
 * Subscriptions whose subject has wildcards, by token. It never recurses: how deep subjects go is up to
 * the peers.
 */
export class WildcardTrie<S extends Interested> {
  readonly #root = new TrieNode("");
  #size = 0;
  /** The stack of `collect`: nodes and where in the subject their token begins. Empty in between. */
  readonly #nodesToVisit: TrieNode[] = [];
  readonly #startsToVisit: number[] = [];

  get size(): number {
    return this.#size;
  }

  add(subscription: S): void {
    let node = this.#root;
    for (const token of subscription.subject.split(".")) node = node.childOrNew(token);
    node.add(subscription);
    this.#size++;
  }

  remove(subscription: S): void {
    const tokens = subscription.subject.split(".");
    const path: TrieNode[] = [this.#root];
    for (const token of tokens) {
      const child: TrieNode | null = path[path.length - 1].child(token);
      assert(child !== null, "a wildcard subscription's path is in the trie");
      path.push(child);
    }
    path[tokens.length].remove(subscription);
    for (let depth = tokens.length; depth > 0 && path[depth].isEmpty; depth--) {
      path[depth - 1].removeChild(tokens[depth - 1]);
    }
    this.#size--;
  }

  /** Adds everyone whose subject covers this one, which has no empty token. */
  collect(subject: string, result: MatchResult<S>): void {
    const nodes = this.#nodesToVisit;
    const starts = this.#startsToVisit;
    nodes.push(this.#root);
    starts.push(0);
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      const start = starts.pop() as number;
      if (start > subject.length) {
        addAll(result, node);
        continue;
      }
      if (node.full !== null) addAll(result, node.full);
      // As below `$JS.API`: what follows need not be looked at.
      if (node.isLeaf) continue;
      const dot = subject.indexOf(".", start);
      const end = dot < 0 ? subject.length : dot;
      if (node.partial !== null) {
        nodes.push(node.partial);
        starts.push(end + 1);
      }
      const child = node.literalChild(subject.slice(start, end));
      if (child !== null) {
        nodes.push(child);
        starts.push(end + 1);
      }
    }
  }

  /** Calls `visit` with every subscription, in no particular order. */
  forEach(visit: (subscription: S) => void): void {
    const nodes = [this.#root];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      for (let entry = node.first; entry !== null;) {
        const next: Interested | null = entry.next;
        visit(entry as S);
        entry = next;
      }
      node.forEachChild((child) => nodes.push(child));
    }
  }

  /** Throws where the trie contradicts itself. For tests. */
  checkInvariants(): void {
    let seen = 0;
    this.forEach(() => seen++);
    assert(seen === this.#size, "the size is the number of subscriptions");
    assert(seen > 0 || this.#root.isEmpty, "an emptied trie is pruned");
  }
}

function addAll<S extends Interested>(result: MatchResult<S>, node: TrieNode): void {
  for (let entry = node.first; entry !== null; entry = entry.next) result.add(entry as S);
}
