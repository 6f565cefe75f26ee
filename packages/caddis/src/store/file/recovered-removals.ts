/** What the log says was removed: ranges of sequences in any order, until `sort`. */
export class RecoveredRemovals {
  #froms: number[] = [];
  #tos: number[] = [];
  readonly kept = new Set<number>();
  /** All messages before it are gone. */
  frontSeq = 0;

  add(from: number, to: number): void {
    this.#froms.push(from);
    this.#tos.push(to);
  }

  /** All messages before `seq` are gone. */
  noteFront(seq: number): void {
    this.frontSeq = Math.max(this.frontSeq, seq);
  }

  /** Orders the ranges and joins those that touch. */
  sort(): void {
    const order = Array.from(this.#froms.keys()).sort((a, b) => this.#froms[a] - this.#froms[b]);
    const froms: number[] = [];
    const tos: number[] = [];
    for (const i of order) {
      const last = tos.length - 1;
      if (last >= 0 && this.#froms[i] <= tos[last] + 1) tos[last] = Math.max(tos[last], this.#tos[i]);
      else {
        froms.push(this.#froms[i]);
        tos.push(this.#tos[i]);
      }
    }
    this.#froms = froms;
    this.#tos = tos;
  }

  /** Whether `seq` is gone. After `sort`. */
  has(seq: number): boolean {
    if (seq < this.frontSeq) return true;
    let low = 0;
    let high = this.#froms.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#tos[middle] < seq) low = middle + 1;
      else high = middle;
    }
    return low < this.#froms.length && this.#froms[low] <= seq;
  }

  forEach(visit: (from: number, to: number) => void): void {
    for (let i = 0; i < this.#froms.length; i++) visit(this.#froms[i], this.#tos[i]);
  }
}
