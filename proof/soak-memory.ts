import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/** The end of a life may take so much more memory than its beginning: collections come when they come. */
const GROWTH_MIB_MAX = 100;
/** Share of a life that counts as its beginning, after a share in which caches fill. */
const WARM_SHARE = 0.2;
const BEGINNING_SHARE = 0.45;

/** Resident memory of a process in MiB. */
export function residentMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

/** What a process takes over its life, of which `lifeMs` are known to come. */
export class MemoryWatch {
  readonly #pid: number;
  readonly #startMs = performance.now();
  readonly #lifeMs: number;
  #beginningMib = 0;
  #endMib = 0;

  constructor(pid: number, lifeMs: number) {
    this.#pid = pid;
    this.#lifeMs = lifeMs;
  }

  /** Looks once; to be called several times a second. */
  look(): void {
    const share = (performance.now() - this.#startMs) / this.#lifeMs;
    if (share < WARM_SHARE) return;
    const mib = residentMib(this.#pid);
    if (share < BEGINNING_SHARE) this.#beginningMib = Math.max(this.#beginningMib, mib);
    // The lowest: what is never given back.
    else if (share > 1 - WARM_SHARE) this.#endMib = this.#endMib === 0 ? mib : Math.min(this.#endMib, mib);
  }

  /** Throws where it has grown. */
  check(): string {
    const [from, to] = [this.#beginningMib, this.#endMib];
    assert.ok(to < from + GROWTH_MIB_MAX, `memory grew from ${from.toFixed(0)} to ${to.toFixed(0)} MiB`);
    return `${from.toFixed(0)} then ${to.toFixed(0)} MiB`;
  }
}
