import type { ApiEndpoint } from "./endpoint.ts";

/** Where one token more leads. */
class Node {
  readonly literals = new Map<string, Node>();
  any: Node | null = null;
  /** What takes all that is left: `>`. */
  rest: ApiEndpoint | null = null;
  endpoint: ApiEndpoint | null = null;
}

/** An endpoint, and what stands in place of its wildcards. */
export interface Route {
  readonly endpoint: ApiEndpoint;
  readonly names: readonly string[];
}

/** Finds the endpoint of a subject. A literal token is preferred to `*`, that to `>`, as in the reference. */
export class Router {
  readonly #root = new Node();

  constructor(endpoints: Iterable<ApiEndpoint>) {
    for (const endpoint of endpoints) this.#add(endpoint);
  }

  /** `subject` without `$JS.API.`, a wire string; null: there is no such endpoint. */
  find(subject: string): Route | null {
    const tokens = subject.split(".");
    return tokens.includes("") ? null : find(this.#root, tokens, 0, []);
  }

  #add(endpoint: ApiEndpoint): void {
    let node = this.#root;
    for (const token of endpoint.subject.split(".")) {
      if (token === ">") {
        node.rest = endpoint;
        return;
      }
      node = token === "*" ? (node.any ??= new Node()) : literal(node, token);
    }
    node.endpoint = endpoint;
  }
}

function literal(node: Node, token: string): Node {
  const next = node.literals.get(token) ?? new Node();
  node.literals.set(token, next);
  return next;
}

function find(node: Node, tokens: readonly string[], at: number, names: readonly string[]): Route | null {
  if (at === tokens.length) return node.endpoint === null ? null : { endpoint: node.endpoint, names };
  const token = tokens[at];
  const next = node.literals.get(token);
  const route = next === undefined ? null : find(next, tokens, at + 1, names);
  if (route !== null) return route;
  const wild = node.any === null ? null : find(node.any, tokens, at + 1, [...names, token]);
  if (wild !== null) return wild;
  if (node.rest === null) return null;
  return { endpoint: node.rest, names: [...names, tokens.slice(at).join(".")] };
}
