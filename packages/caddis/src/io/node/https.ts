import type { Server } from "node:http";
import type { Socket } from "node:net";
import { assert } from "../../base/assert.ts";
import type { TlsContext } from "../tls.ts";
// Its type only: a server without TLS does not load it.
import type { NodeTlsContext } from "./tls.ts";

/** How long a peer may take for its handshake; the bound that the reference has for headers, too. */
const HANDSHAKE_TIMEOUT_MS = 5_000;

const NOTHING = Buffer.alloc(0);

/** Handshakes under way. */
export interface Handshakes {
  /** Ends all of them. */
  destroyAll(): void;
}

/**
 * Puts TLS in front of `server`, which is made for plain HTTP: `context` is asked for at each handshake, so that
 * another one can take its place; null turns the peer away. Connections reach HTTP once they are secured.
 */
export function secureConnections(server: Server, context: () => TlsContext | null): Handshakes {
  // What HTTP itself does with a connection.
  const [serve] = server.listeners("connection");
  assert(serve !== undefined, "HTTP listens to connections");
  server.removeAllListeners("connection");
  const pending = new Set<Socket>();
  server.on("connection", (raw: Socket) => {
    const current = context();
    // Of its own errors TLS, or HTTP, hears too.
    raw.on("error", () => {});
    if (current === null) {
      raw.destroy();
      return;
    }
    assert("begin" in current, "a TLS context of node:tls");
    const deadline = setTimeout(() => raw.destroy(), HANDSHAKE_TIMEOUT_MS).unref();
    const done = (): void => {
      clearTimeout(deadline);
      pending.delete(raw);
    };
    pending.add(raw);
    raw.once("close", done);
    (current as NodeTlsContext).begin(raw, NOTHING, {
      onSecured(secured) {
        done();
        serve.call(server, secured);
      },
      // A scraper that does not trust us says so itself, and who knocks at a port is no news.
      onFailed: () => raw.destroy(),
    });
  });
  return {
    destroyAll() {
      for (const raw of pending) raw.destroy();
    },
  };
}
