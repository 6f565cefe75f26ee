import type { TlsConfig } from "./tls.ts";

/** Where account JWTs come from. */
export type ResolverConfig =
  /** From `resolver_preload`. */
  | { readonly type: "memory" }
  /** GET `url` + account id. */
  | { readonly type: "url"; readonly url: string }
  | {
      readonly type: "full";
      readonly dir: string;
      readonly allow_delete: boolean;
      readonly hard_delete: boolean;
      /** -1: any number. */
      readonly limit: number;
      /** Between exchanges with other servers, milliseconds. */
      readonly interval: number;
      /** For lookups, milliseconds. */
      readonly timeout: number;
    }
  | {
      readonly type: "cache";
      readonly dir: string;
      readonly limit: number;
      /** Milliseconds; 0: for good. */
      readonly ttl: number;
      readonly timeout: number;
    };

/** `resolver_tls`, what a URL resolver needs of a `tls` block. */
export type ResolverTlsConfig = Pick<TlsConfig, "certificates" | "ca_file" | "min_version"> & {
  readonly insecure: boolean;
};
