/**
 * Checks of our own expectations. A failure means that the server is broken, not that a peer sent
 * something bad: peers' faults are values. Messages are literals, so that a passing check costs nothing.
 */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

/** Throws an `AssertionFailure` unless `condition` holds. */
export function assert(condition: boolean, expectation: string): asserts condition {
  if (!condition) fail(expectation);
}

/** `value`, which is expected to be there. */
export function must<T>(value: T | null | undefined, expectation: string): T {
  if (value === null || value === undefined) fail(expectation);
  return value;
}

function fail(expectation: string): never {
  throw new AssertionFailure(`broken expectation: ${expectation}`);
}
