import { describe, test } from "node:test";
import { findReferenceServer, OUR_SERVER } from "../../support/server-process.ts";

/** Nothing in these suites takes longer than this; reached only when something hangs. */
const DEADLINE_MS = 60_000;

/** A server program that the clients must not be able to tell from the other. */
export interface Target {
  readonly name: string;
  readonly command: string;
}

/**
 * Defines the same suite once for our server and once for nats-server, so that a client's own habits are never
 * mistaken for the server's. Where this machine has no nats-server, its half says that it was skipped.
 */
export function eachServer(define: (target: Target) => void): void {
  describe("caddis", { timeout: DEADLINE_MS }, () => define({ name: "caddis", command: OUR_SERVER }));
  const reference = findReferenceServer();
  if (reference === null) {
    test("nats-server", (t) => t.skip("no nats-server on PATH and no NATS_SERVER"));
  } else {
    describe("nats-server", { timeout: DEADLINE_MS }, () =>
      define({ name: "nats-server", command: reference }),
    );
  }
}
