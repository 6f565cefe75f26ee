import { createHash, type X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import { must } from "../../base/assert.ts";
import type { TlsConfig } from "../../config/tls.ts";
import type { TlsContext, TlsHooks, TlsSession } from "../tls.ts";
import { watchFiles, type Watch } from "./certificate-watch.ts";
import { handshakeError, handshakeReason } from "./tls-error.ts";
import { isMutual, tlsPaths } from "./tls-files.ts";
import { type HandshakeEvents, type LoadedTls, loadTls } from "./tls-server.ts";

const RATE_WINDOW_MS = 1_000;

/** What one handshake came to; one of these is called, once. */
export interface Handshake {
  /** The stream is paused until somebody listens. */
  onSecured(socket: TLSSocket, session: TlsSession): void;
  /** Both sockets are gone, or about to be. */
  onFailed(error: Error): void;
}

/**
 * Reads the files that `config` names and makes a TLS context of them; with `config.watch` it follows their
 * changes until `close`. Rejects with what is wrong, in the words of the reference where it has some.
 */
export async function openTlsContext(config: TlsConfig, deps: TlsHooks): Promise<NodeTlsContext> {
  const context = new NodeTlsContext(config, deps);
  const error = await context.open();
  if (error === null) return context;
  context.close();
  throw new Error(error);
}

/** The server's side of TLS for one listener, by `node:tls`. */
export class NodeTlsContext implements TlsContext {
  readonly timeoutMs: number;
  readonly #config: TlsConfig;
  readonly #deps: TlsHooks;
  readonly #handshakes: Handshakes;
  readonly #rate: RateWindow;
  #watch: Watch | null = null;
  #loaded: LoadedTls | null = null;
  /** Reloads come one after the other: the last one decides. */
  #lastReload: Promise<unknown> = Promise.resolve();

  /** `openTlsContext` makes one that is ready. */
  constructor(config: TlsConfig, deps: TlsHooks) {
    this.timeoutMs = config.timeout;
    this.#config = config;
    this.#deps = deps;
    this.#handshakes = new Handshakes(config, deps);
    this.#rate = new RateWindow(config.connection_rate_limit);
  }

  /** Reads the files for the first time and begins to follow them; null, or what is wrong. */
  async open(): Promise<string | null> {
    if (this.#config.watch) {
      this.#watch = watchFiles(tlsPaths(this.#config), () => this.#onFilesChanged());
      // What changes while they are read is noticed.
      await this.#watch.ready;
    }
    return this.reload();
  }

  get notAfterMs(): number {
    return this.#current.notAfterMs;
  }

  admit(nowMs: number): boolean {
    return this.#rate.admit(nowMs);
  }

  /**
   * Reads the files again. New handshakes use them at once; connections and handshakes under way keep what they
   * have. Null: done; else what is wrong, and what was in use stays in use.
   */
  reload(): Promise<string | null> {
    const reload = this.#lastReload.then(() => this.#load());
    this.#lastReload = reload;
    return reload;
  }

  async #load(): Promise<string | null> {
    const loaded = await loadTls(this.#config, this.#handshakes, this.#deps.staple ?? null);
    if (typeof loaded === "string") return loaded;
    const problem = (await this.#deps.onLoaded?.(loaded.served, loaded.trusted)) ?? null;
    if (problem !== null) return problem;
    this.#loaded = loaded;
    return null;
  }

  /**
   * Begins a handshake on `raw`, which is paused; `received` is what came of it already, to keep. Nobody reads
   * or writes `raw` from now on; who loses patience destroys it.
   */
  begin(raw: Socket, received: Buffer, handshake: Handshake): void {
    this.#handshakes.add(raw, handshake);
    // TLS takes first what it finds unread.
    raw.unshift(received);
    this.#current.server.emit("connection", raw);
  }

  /** Stops following the files; connections stay. */
  close(): void {
    this.#watch?.close();
  }

  get #current(): LoadedTls {
    return must(this.#loaded, "a context is open before it is used");
  }

  async #onFilesChanged(): Promise<void> {
    const { log } = this.#deps;
    const error = await this.reload();
    if (error === null) log.info("TLS certificates changed and are in use");
    else log.error(`TLS certificates changed but can't be used, the old ones stay: ${error}`);
  }
}

/** Handshakes under way, and the checks that OpenSSL does not do. Shared by all states of the files. */
class Handshakes implements HandshakeEvents {
  readonly #config: TlsConfig;
  readonly #deps: TlsHooks;
  readonly #pins: ReadonlySet<string>;
  readonly #pending = new WeakMap<Socket, Handshake>();

  constructor(config: TlsConfig, deps: TlsHooks) {
    this.#config = config;
    this.#deps = deps;
    this.#pins = new Set(config.pinned_certs);
  }

  add(raw: Socket, handshake: Handshake): void {
    this.#pending.set(raw, handshake);
  }

  onSecured(raw: Socket, secured: TLSSocket): void {
    const handshake = this.#take(raw);
    // An error of TLS itself leaves it open otherwise.
    secured.on("error", (error) => secured.destroy(error));
    const certificates = isMutual(this.#config) ? peerChain(secured) : [];
    if (!this.#isPinned(secured)) return refuse(secured, handshake, "certificate not pinned");
    const session = sessionOf(secured, certificates);
    const { checkPeer } = this.#deps;
    if (checkPeer === undefined || !session.isVerified) return handshake.onSecured(secured, session);
    void checkPeer(certificates)
      .catch(() => "peer certificate could not be checked")
      .then((reason) => {
        if (reason !== null) refuse(secured, handshake, reason);
        else if (raw.destroyed || secured.destroyed) handshake.onFailed(handshakeError("EOF"));
        else handshake.onSecured(secured, session);
      });
  }

  onFailed(raw: Socket, error: Error, verifyCode: string): void {
    raw.destroy();
    this.#take(raw).onFailed(handshakeError(handshakeReason(error, verifyCode)));
  }

  #take(raw: Socket): Handshake {
    const handshake = must(this.#pending.get(raw), "each handshake ends once");
    this.#pending.delete(raw);
    return handshake;
  }

  /** Whether the peer's public key is one of those that were named, if any were. */
  #isPinned(secured: TLSSocket): boolean {
    if (this.#pins.size === 0) return true;
    const certificate = secured.getPeerX509Certificate();
    return certificate !== undefined && this.#pins.has(keyDigest(certificate));
  }
}

/** SHA-256 of a certificate's public key info, lower-case hex; empty, which matches nothing: it has no readable key. */
function keyDigest(certificate: X509Certificate): string {
  try {
    const info = certificate.publicKey.export({ type: "spki", format: "der" });
    return createHash("sha256").update(info).digest("hex");
  } catch {
    return "";
  }
}

/** `connection_rate_limit`: so many handshakes in each second, counted from the first one in it. */
class RateWindow {
  readonly #limit: number;
  #endMs = -Infinity;
  #count = 0;

  /** `limit` 0: any number. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  admit(nowMs: number): boolean {
    if (this.#limit === 0) return true;
    if (nowMs > this.#endMs) {
      this.#count = 0;
      this.#endMs = nowMs + RATE_WINDOW_MS;
    }
    return this.#count++ < this.#limit;
  }
}

function refuse(secured: TLSSocket, handshake: Handshake, reason: string): void {
  secured.destroy();
  handshake.onFailed(handshakeError(reason));
}

function sessionOf(secured: TLSSocket, certificates: readonly Uint8Array[]): TlsSession {
  return {
    version: (secured.getProtocol() ?? "").replace("TLSv", ""),
    // The standard names are Go's.
    cipherSuite: secured.getCipher().standardName,
    serverName: typeof secured.servername === "string" ? secured.servername : "",
    certificates,
    isVerified: secured.authorized,
  };
}

/** What the peer showed and what links it to an authority, DER, its own certificate first. */
function peerChain(secured: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  let certificate: DetailedPeerCertificate | undefined = secured.getPeerCertificate(true);
  const seen = new Set<DetailedPeerCertificate>();
  while (certificate?.raw !== undefined && !seen.has(certificate)) {
    seen.add(certificate);
    chain.push(certificate.raw);
    certificate = certificate.issuerCertificate;
  }
  return chain;
}
