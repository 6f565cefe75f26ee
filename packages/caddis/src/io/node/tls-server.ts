import { constants, X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from "node:tls";
import type { TlsConfig } from "../../config/tls.ts";
import type { ServedCertificate } from "../tls.ts";
import { isMutual, type KeyPair, pemCertificates, readTlsFiles, type TlsFiles } from "./tls-files.ts";
import { cipherList, curveList } from "./tls-suites.ts";

/** The connection has a timer of its own for its handshake; Node's would be a second one. The most it takes. */
const NO_HANDSHAKE_TIMEOUT_MS = 0x7fff_ffff;

/**
 * No session is ever resumed: it would carry over who the peer was, past verification against the authorities
 * of today. No client of NATS asks for it. And no client may renegotiate, as in Go.
 */
const SERVER_OPTIONS = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;

/** Answers a request for the status of a certificate: the response to staple, DER; null: none. */
export type Staple = (leaf: Buffer, issuer: Buffer | null) => Buffer | null;

/** What handshakes of one state of the files come to. The socket is the raw one that was handed in. */
export interface HandshakeEvents {
  onSecured(raw: Socket, secured: TLSSocket): void;
  onFailed(raw: Socket, error: Error, verifyCode: string): void;
}

type SniDone = (error: Error | null, context: SecureContext) => void;

/** A certificate as handshakes use it. */
interface Identity {
  readonly leaf: X509Certificate;
  readonly context: SecureContext;
}

/** The TLS server made of one state of the files. It is handed sockets and never listens. */
export interface LoadedTls {
  readonly server: Server;
  /** When the first of the certificates expires. */
  readonly notAfterMs: number;
  readonly served: readonly ServedCertificate[];
  /** Authorities for certificates of peers, DER. */
  readonly trusted: readonly Uint8Array[];
}

/** Reads the files of `config` and makes a server of them; a text says what is wrong. */
export async function loadTls(
  config: TlsConfig,
  events: HandshakeEvents,
  staple: Staple | null,
): Promise<LoadedTls | string> {
  const ciphers = cipherList(config.cipher_suites);
  if ("error" in ciphers) return ciphers.error;
  const curves = curveList(config.curve_preferences);
  if ("error" in curves) return curves.error;
  const files = await readTlsFiles(config);
  if (typeof files === "string") return files;
  try {
    const options = contextOptions(config, files, ciphers.list, curves.list);
    const server = newServer(config, files, options, events);
    if (staple !== null) answerStatusRequests(server, staple);
    const notAfterMs = Math.min(...files.pairs.map(({ leaf }) => leaf.validToDate.getTime()));
    const trusted = files.authorities.map(derOf);
    const served = files.pairs.map(({ chainPem }, i) => ({
      name: config.certificates[i].cert_file,
      chain: pemCertificates(chainPem).map(derOf),
      authorities: trusted,
    }));
    return { server, notAfterMs, served, trusted };
  } catch (error) {
    return `error in TLS configuration: ${opensslText(error)}`;
  }
}

function derOf(pem: string): Uint8Array {
  return new X509Certificate(pem).raw;
}

function contextOptions(
  config: TlsConfig,
  files: TlsFiles,
  ciphers: string,
  ecdhCurve: string,
): SecureContextOptions {
  return {
    ciphers,
    ecdhCurve,
    honorCipherOrder: true,
    minVersion: config.min_version === "1.3" ? "TLSv1.3" : "TLSv1.2",
    maxVersion: "TLSv1.3",
    secureOptions: SERVER_OPTIONS,
    ca: [...files.authorities],
    // Whatever the authorities' file holds is trusted, an intermediate authority, too; as in Go.
    allowPartialTrustChain: true,
  };
}

function newServer(
  config: TlsConfig,
  files: TlsFiles,
  options: SecureContextOptions,
  events: HandshakeEvents,
): Server {
  const identities = files.pairs.map((pair) => identity(pair, options));
  const server = createServer({
    // Otherwise it would load Node's own authorities into a context that is replaced below.
    ca: [],
    requestCert: isMutual(config),
    rejectUnauthorized: true,
    handshakeTimeout: NO_HANDSHAKE_TIMEOUT_MS,
    ...(identities.length > 1 && {
      SNICallback: (name: string, done: SniDone) => done(null, identityFor(identities, name).context),
    }),
  });
  // A server of Node's makes its context itself, without `allowPartialTrustChain`.
  Reflect.set(server, "_sharedCreds", identities[0].context);
  server.on("secureConnection", (secured) => events.onSecured(rawOf(secured), secured));
  server.on("tlsClientError", (error, secured) =>
    events.onFailed(rawOf(secured), error, verifyCodeOf(secured)),
  );
  return server;
}

function identity({ leaf, chainPem, keyPem }: KeyPair, options: SecureContextOptions): Identity {
  return { leaf, context: createSecureContext({ ...options, cert: chainPem, key: keyPem }) };
}

/** The first certificate for `name`, wildcards included, or else the first one. */
function identityFor(identities: readonly Identity[], name: string): Identity {
  return identities.find(({ leaf }) => isFor(leaf, name)) ?? identities[0];
}

/** Only alternative names count, as in Go: a common name is no host name. */
function isFor(leaf: X509Certificate, name: string): boolean {
  try {
    return leaf.checkHost(name, { subject: "never", partialWildcards: false }) !== undefined;
  } catch {
    // A name that can't be one.
    return false;
  }
}

function answerStatusRequests(server: Server, staple: Staple): void {
  server.on("OCSPRequest", (leaf: Buffer, issuer: Buffer | null, done) => {
    done(null, staple(leaf, issuer));
  });
}

/** The socket that was handed in for `secured`; Node has no documented way to tell. */
function rawOf(secured: TLSSocket): Socket {
  return Reflect.get(secured, "_parent") as Socket;
}

/** Node's code for what is wrong with the peer's certificate; empty: nothing, or it was not looked at. */
function verifyCodeOf(secured: TLSSocket): string {
  // Typed as an error, but a code in fact.
  const code: unknown = secured.authorizationError;
  return typeof code === "string" ? code : "";
}

/** The reason alone: no part of a file. */
function opensslText(error: unknown): string {
  if (error instanceof Error && "reason" in error && typeof error.reason === "string") return error.reason;
  return error instanceof Error ? error.message : String(error);
}
