import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Bytes } from "../../packages/caddis/src/base/bytes.ts";
import type { TlsConfig } from "../../packages/caddis/src/config/tls.ts";
import { SILENT_LOG } from "../../packages/caddis/src/io/log.ts";
import { type ReadMode, tcpNet } from "../../packages/caddis/src/io/node/tcp.ts";
import { type NodeTlsContext, openTlsContext } from "../../packages/caddis/src/io/node/tls.ts";
import type { TlsHooks } from "../../packages/caddis/src/io/tls.ts";
import type { PipeEvents, UnattachedPipe } from "../../packages/caddis/src/io/pipe.ts";
import type { TlsSession } from "../../packages/caddis/src/io/tls.ts";
import type { TestCertificate } from "./certificates.ts";

/** The server's end of a TLS connection. */
export class TlsSide implements PipeEvents {
  readonly pipe: UnattachedPipe;
  session: TlsSession | null = null;
  received = 0;
  written = 0;
  closed: { readonly error: Error | null } | null = null;
  onRead: (input: Bytes, length: number) => void = () => {};
  #changed = Promise.withResolvers<void>();

  constructor(pipe: UnattachedPipe) {
    this.pipe = pipe;
    pipe.attach(this);
  }

  onData(input: Bytes, length: number): void {
    assert.ok(this.closed === null, "nothing follows the end");
    assert.ok(length > 0 && length <= input.capacity);
    this.received += length;
    this.onRead(input, length);
    this.#notify();
  }
  onSecured(session: TlsSession): void {
    assert.ok(this.closed === null && this.session === null, "once, and before the end");
    this.session = session;
    this.#notify();
  }
  onWritten(): void {
    assert.ok(this.closed === null, "nothing follows the end");
    this.written++;
    this.#notify();
  }
  onClosed(error: Error | null): void {
    assert.ok(this.closed === null, "the end comes once");
    this.closed = { error };
    this.#notify();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  /** What `onClosed` was told; waits for it. */
  async reason(): Promise<string | null> {
    await this.until(() => this.closed !== null);
    return this.closed?.error?.message ?? null;
  }

  #notify(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    changed.resolve();
  }
}

/** A folder for the test's files. */
export function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "caddis-tls-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a certificate and its key, followed by `chain`; the paths as a configuration has them. */
export function writePair(
  folder: string,
  name: string,
  certificate: TestCertificate,
  chain: readonly TestCertificate[] = [],
): { cert_file: string; key_file: string } {
  const [cert_file, key_file] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  writeFileSync(cert_file, [certificate, ...chain].map(({ pem }) => pem).join(""));
  writeFileSync(key_file, certificate.keyPem);
  return { cert_file, key_file };
}

/** A `tls` block. */
export function tlsConfig(certificates: TlsConfig["certificates"], more: Partial<TlsConfig> = {}): TlsConfig {
  return {
    certificates,
    ca_file: "",
    cipher_suites: [],
    curve_preferences: [],
    min_version: "1.2",
    verify: false,
    verify_and_map: false,
    handshake_first: "never",
    timeout: 2_000,
    connection_rate_limit: 0,
    pinned_certs: [],
    ocsp_peer: null,
    watch: false,
    ...more,
  };
}

/** A listener whose connections begin with TLS. */
export interface TlsListener {
  readonly port: number;
  readonly context: NodeTlsContext;
  /** The server's end of the next connection. */
  nextSide(): Promise<TlsSide>;
  /** A client's end without TLS. */
  tcp(): Promise<Socket>;
  /** A client's end, which has begun its handshake; it trusts `ca`, or does not look. */
  connect(options?: ConnectionOptions): TLSSocket;
}

/** Listens; `begin` says when TLS begins, which is at once by default. */
export async function listenTls(
  t: TestContext,
  config: TlsConfig,
  deps: Partial<TlsHooks> = {},
  begin: (side: TlsSide, context: NodeTlsContext) => void = (side, context) =>
    side.pipe.secure(context, null),
  readMode: ReadMode = "shared",
): Promise<TlsListener> {
  const context = await openTlsContext(config, { log: SILENT_LOG, ...deps });
  const sides: TlsSide[] = [];
  const waiting: ((side: TlsSide) => void)[] = [];
  const onPipe = (pipe: UnattachedPipe): void => {
    const side = new TlsSide(pipe);
    begin(side, context);
    const wait = waiting.shift();
    if (wait === undefined) sides.push(side);
    else wait(side);
    t.after(() => pipe.destroy());
  };
  const listener = await tcpNet(readMode).listen("127.0.0.1", 0, onPipe, assert.ifError);
  t.after(() => {
    context.close();
    return listener.close();
  });
  const { port } = listener;
  return {
    port,
    context,
    nextSide() {
      const side = sides.shift();
      return side === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(side);
    },
    async tcp() {
      const socket = connectTcp({ port, host: "127.0.0.1", allowHalfOpen: true });
      socket.on("error", () => undefined);
      t.after(() => socket.destroy());
      await once(socket, "connect");
      return socket;
    },
    connect(options = {}) {
      const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: "ca" in options, ...options });
      socket.on("error", () => undefined);
      t.after(() => socket.destroy());
      return socket;
    },
  };
}
