import { assert } from "../base/assert.ts";
import { FIRST_CHILD, NEXT_SIBLING, PARENT, PREVIOUS_SIBLING, type SubjectRows } from "./subject-rows.ts";

/**
 * Which entries stand below which: those that continue another one's tokens. Below 0, whose row is nobody's else, stand
 * those that continue none.
 */
export class SubjectTree {
  readonly #rows: SubjectRows;

  constructor(rows: SubjectRows) {
    this.#rows = rows;
  }

  parent(id: number): number {
    return this.#rows.get(id, PARENT);
  }

  /** The first entry right below, in no particular order. */
  firstChild(id: number): number {
    return this.#rows.get(id, FIRST_CHILD);
  }

  /** The next entry with the same parent. */
  nextSibling(id: number): number {
    return this.#rows.get(id, NEXT_SIBLING);
  }

  /** Puts an entry that stands nowhere below `parent`. */
  adopt(parent: number, child: number): void {
    const rows = this.#rows;
    const sibling = this.firstChild(parent);
    rows.set(child, PARENT, parent);
    rows.set(child, PREVIOUS_SIBLING, 0);
    rows.set(child, NEXT_SIBLING, sibling);
    if (sibling !== 0) rows.set(sibling, PREVIOUS_SIBLING, child);
    rows.set(parent, FIRST_CHILD, child);
  }

  /** Takes an entry without children away. */
  detach(id: number): void {
    const rows = this.#rows;
    const previous = rows.get(id, PREVIOUS_SIBLING);
    const next = rows.get(id, NEXT_SIBLING);
    if (previous === 0) rows.set(rows.get(id, PARENT), FIRST_CHILD, next);
    else rows.set(previous, NEXT_SIBLING, next);
    if (next !== 0) rows.set(next, PREVIOUS_SIBLING, previous);
  }

  /** Calls `visit` with all that stands below `ancestor`, which does not change meanwhile. Without recursion: subjects may have thousands of tokens. */
  forEachBelow(ancestor: number, visit: (id: number) => void): void {
    let id = this.firstChild(ancestor);
    while (id !== 0) {
      visit(id);
      let next = this.firstChild(id);
      while (next === 0) {
        next = this.nextSibling(id);
        if (next !== 0) break;
        id = this.parent(id);
        if (id === ancestor) return;
      }
      id = next;
    }
  }

  /** Throws where the children of an entry do not know it. For tests. */
  checkChildren(id: number): void {
    for (let child = this.firstChild(id); child !== 0; child = this.nextSibling(child)) {
      assert(this.parent(child) === id, "a child knows its parent");
    }
  }
}
