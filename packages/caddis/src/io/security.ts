import type { TlsConfig } from "../config/tls.ts";
import type { ClaimsDirectory } from "./claims-directory.ts";
import type { Hasher } from "./hasher.ts";
import type { HttpClient, HttpClientTls } from "./http-client.ts";
import type { OcspFolder, OcspTransport } from "./ocsp.ts";
import type { TlsContext, TlsHooks } from "./tls.ts";

/** A TLS context that its owner keeps up to date. */
export interface OpenTlsContext extends TlsContext {
  /** Reads the files again for new handshakes; null, or what is wrong: then the old ones stay in use. */
  reload(): Promise<string | null>;
  /** Stops following the files; connections stay. */
  close(): void;
}

/** What security asks of the world. */
export interface SecurityPorts {
  readonly hasher: Hasher & {
    /** Gets ready; rejects where hashes can't be checked here. */
    load(): Promise<void>;
  };
  /** IANA name of the time zone of this machine. */
  readonly localZone: string;
  /** Rejects with what is wrong with the files. */
  openTls(config: TlsConfig, hooks: TlsHooks): Promise<OpenTlsContext>;
  /** A text says what is wrong with the files of `tls`. */
  openHttpClient(tls: HttpClientTls | null): Promise<HttpClient | string>;
  openClaimsDirectory(path: string, bytesMax: number): Promise<ClaimsDirectory>;
  openOcspTransport(): Promise<OcspTransport>;
  openOcspFolder(path: string): Promise<OcspFolder>;
}
