import type { Bytes } from "../base/bytes.ts";
import { Timer } from "../base/timer-queue.ts";
import type { HandshakeFirst } from "../config/tls.ts";
import type { TlsContext, TlsSession } from "../io/tls.ts";
import { WIRE_ERRORS } from "../wire/errors.ts";
import type { Client } from "./client.ts";

/** TLS as a listener offers it. */
export interface TlsSetup {
  readonly context: TlsContext;
  readonly handshakeFirst: HandshakeFirst;
  /** Clients may go on in the clear on the same port. */
  readonly allowNonTls: boolean;
  /** Clients must show a certificate; INFO says so. */
  readonly verify: boolean;
}

/** The first byte of a TLS handshake record. */
const HANDSHAKE_RECORD = 0x16;

/**
 * What comes before the protocol on a port with TLS:
 *
 *     start ─┬─ handshake_first ──────────────────────────────┐
 *            ├─ … with a delay ─▶ waiting ── bytes ───────────┤
 *            │                       │ silence                ▼
 *            └── INFO ◀──────────────┘                    handshake ──▶ secured (INFO, if it was not sent)
 *                 ├─ allow_non_tls ─▶ sniffing ── 0x16 ───────▲
 *                 │                      └─ another byte, or silence ──▶ in the clear
 *                 └───────────────────────────────────────────┘
 */
type Phase = "waiting" | "sniffing" | "handshake";

/** Leads one connection to TLS, or past it. The client forwards what its pipe tells while it is `securing`. */
export class Securing {
  readonly #client: Client;
  readonly #setup: TlsSetup;
  readonly #timer = new Timer(() => this.#onTimer());
  #phase: Phase = "waiting";
  #isInfoSent = false;

  constructor(client: Client, setup: TlsSetup) {
    this.#client = client;
    this.#setup = setup;
  }

  get isInHandshake(): boolean {
    return this.#phase === "handshake";
  }

  start(): void {
    const { handshakeFirst } = this.#setup;
    if (handshakeFirst === "never") this.#greet();
    else if (handshakeFirst === "always") this.#shakeHands(null);
    else this.#enter("waiting", handshakeFirst.waitMs);
  }

  /** The peer's first bytes. Says whether they are plain protocol, for the client to parse. */
  onData(input: Bytes, length: number): boolean {
    if (this.#phase === "sniffing" && input.buf[0] !== HANDSHAKE_RECORD) {
      this.#goOn(null);
      return true;
    }
    this.#shakeHands(Buffer.from(input.buf.subarray(0, length)));
    return false;
  }

  onSecured(session: TlsSession): void {
    this.#client.debug("TLS handshake complete");
    this.#client.debug(`TLS version ${session.version}, cipher suite ${session.cipherSuite}`);
    this.#goOn(session);
  }

  /** The stream ended, or the handshake failed. */
  onClosed(error: Error | null): void {
    this.stop();
    if (this.#phase !== "handshake") return;
    // A peer that goes away, as probes of load balancers do, is no news.
    if (error === null) this.#client.debug("TLS handshake error: EOF");
    else this.#client.error(error.message);
  }

  stop(): void {
    this.#client.broker.timers.cancel(this.#timer);
  }

  #enter(phase: Phase, timeoutMs: number): void {
    this.#phase = phase;
    this.#client.broker.timers.setIn(this.#timer, timeoutMs);
  }

  #greet(): void {
    this.#isInfoSent = true;
    this.#client.sendInfo(false);
    // Before the handshake, not in the middle of it.
    this.#client.outbound.flush();
    if (this.#setup.allowNonTls) this.#enter("sniffing", this.#setup.context.timeoutMs);
    else this.#shakeHands(null);
  }

  #shakeHands(received: Uint8Array | null): void {
    const client = this.#client;
    const { context } = this.#setup;
    if (!context.admit(client.broker.clock.monotonicMs())) {
      client.sendError(WIRE_ERRORS.connectionThrottling);
      client.close("maxConnectionsExceeded");
      return;
    }
    client.debug("Starting TLS client connection handshake");
    this.#enter("handshake", context.timeoutMs);
    client.pipe.secure(context, received);
  }

  #goOn(session: TlsSession | null): void {
    this.stop();
    this.#client.onGreeted(session, this.#isInfoSent);
  }

  #onTimer(): void {
    const client = this.#client;
    switch (this.#phase) {
      case "waiting":
        this.#greet();
        break;
      case "sniffing":
        this.#goOn(null);
        break;
      case "handshake":
        client.error("TLS handshake timeout");
        client.closeNow("tlsHandshakeError");
    }
    client.broker.flusher.flush();
  }
}
