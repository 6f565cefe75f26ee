/**
 * Work that is done bit by bit: after each `yield` somebody else may have a turn, and what it returns is the
 * result. Whoever writes such work yields after a fraction of a millisecond.
 */
export type Steps<Result> = Generator<void, Result, void>;

/** Does all of it at once. */
export function finish<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { value, done } = steps.next();
    if (done === true) return value;
  }
}

/**
 * Does one step in each turn, the first one at once; `nextTurn` calls what it is given in a later turn. What needs a
 * single step is there without a promise.
 */
export function inTurns<Result>(
  steps: Steps<Result>,
  nextTurn: (run: () => void) => void,
): Result | Promise<Result> {
  const first = steps.next();
  if (first.done === true) return first.value;
  return new Promise((resolve, reject) => {
    const goOn = (): void => {
      try {
        const { value, done } = steps.next();
        if (done === true) resolve(value);
        else nextTurn(goOn);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    nextTurn(goOn);
  });
}

/** Entries that are looked at, or compared, in one step: well under a millisecond's work. */
const ENTRIES_PER_STEP = 1024;

/** The entries that `wanted` says yes to. It may look at that many things for one: `cost` says at how many. */
export function* filtered<Entry>(
  entries: Iterable<Entry>,
  wanted: (entry: Entry) => boolean,
  cost: (entry: Entry) => number = () => 1,
): Steps<Entry[]> {
  const found: Entry[] = [];
  let work = 0;
  for (const entry of entries) {
    if (wanted(entry)) found.push(entry);
    work += cost(entry);
    if (work < ENTRIES_PER_STEP) continue;
    work = 0;
    yield;
  }
  return found;
}

/** What `make` makes of each entry. */
export function* mapped<Entry, Made>(entries: Iterable<Entry>, make: (entry: Entry) => Made): Steps<Made[]> {
  const all: Made[] = [];
  for (const entry of entries) {
    all.push(make(entry));
    if (all.length % ENTRIES_PER_STEP === 0) yield;
  }
  return all;
}

/** A sorted copy; equal entries stay in their order. Runs are sorted one by one, then merged by twos. */
export function* sorted<Entry>(
  entries: readonly Entry[],
  compare: (a: Entry, b: Entry) => number,
): Steps<Entry[]> {
  let runs: Entry[][] = [];
  for (let start = 0; start < entries.length; start += ENTRIES_PER_STEP) {
    if (start > 0) yield;
    runs.push(entries.slice(start, start + ENTRIES_PER_STEP).sort(compare));
  }
  while (runs.length > 1) {
    const longer: Entry[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      longer.push(i + 1 < runs.length ? yield* merged(runs[i], runs[i + 1], compare) : runs[i]);
    }
    runs = longer;
  }
  return runs[0] ?? [];
}

function* merged<Entry>(
  left: readonly Entry[],
  right: readonly Entry[],
  compare: (a: Entry, b: Entry) => number,
): Steps<Entry[]> {
  const all: Entry[] = [];
  for (let l = 0, r = 0; l < left.length || r < right.length;) {
    const isLeft = r === right.length || (l < left.length && compare(left[l], right[r]) <= 0);
    all.push(isLeft ? left[l++] : right[r++]);
    if (all.length % ENTRIES_PER_STEP === 0) yield;
  }
  return all;
}
