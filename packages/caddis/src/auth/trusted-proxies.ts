import type { AuthRequest } from "./identity.ts";
import { verifyNonce } from "./nkey-pair.ts";

/** Whether a trusted proxy brought a connection: `none` did, one that is not known did, or that of `key`. */
export type ProxyCheck =
  | { readonly kind: "none" }
  | { readonly kind: "untrusted" }
  | { readonly kind: "trusted"; readonly key: string };

/** `proxies.trusted`: keys of proxies that sign the nonce in `proxy_sig` for the connections they bring. */
export class TrustedProxies {
  readonly #keys: readonly string[];

  /** `keys`: public nkeys. */
  constructor(keys: readonly string[]) {
    this.#keys = keys;
  }

  /** Whether INFO has to carry a nonce for proxies to sign. */
  get needsNonce(): boolean {
    return this.#keys.length > 0;
  }

  /** Who brought the connection. Without trusted proxies a signature is ignored. */
  check({ connect, nonce, previous }: AuthRequest): ProxyCheck {
    if (connect.proxy_sig === "" || this.#keys.length === 0) return { kind: "none" };
    const proven = previous?.proxyKey ?? "";
    if (proven !== "" && this.#keys.includes(proven)) return { kind: "trusted", key: proven };
    const key = this.#keys.find((trusted) => verifyNonce(trusted, nonce, connect.proxy_sig));
    return key === undefined ? { kind: "untrusted" } : { kind: "trusted", key };
  }
}
