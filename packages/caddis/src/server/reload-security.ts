import { authenticationRules } from "../auth/authentication-rules.ts";
import type { Authenticator } from "../auth/identity.ts";
import { same } from "../base/same.ts";
import type { Options } from "../config/options.ts";
import type { PreparedResolver } from "./operator-mode.ts";
import type { ReloadPart, ReloadStep } from "./reload-part.ts";
import {
  configuredAuthenticator,
  makeAuthenticator,
  openTransport,
  type Security,
  type SecurityDeps,
} from "./security.ts";
import type { TransportSecurity } from "./transport-security.ts";

/** Where a server keeps its security. */
export interface SecurityHolder {
  security: Security;
}

/**
 * Who gets in, and TLS, after a reload. Files of certificates are read again in any case; whoever decides about
 * clients stays where nothing that counts for it has changed.
 */
export class SecurityReload implements ReloadPart {
  readonly #holder: SecurityHolder;
  readonly #deps: SecurityDeps;

  constructor(holder: SecurityHolder, deps: SecurityDeps) {
    this.#holder = holder;
    this.#deps = deps;
  }

  async prepare(current: Options, next: Options): Promise<ReloadStep> {
    const { ports, broker } = this.#deps;
    if (configuredAuthenticator(next, ports).usesBcrypt) await ports.hasher.load();
    const { operator, authenticator } = this.#holder.security;
    const transport = await openTransport(next, this.#deps);
    try {
      const resolver = (await operator?.prepare(current, next, ports)) ?? null;
      const isSame = same(policyOf(current), policyOf(next));
      const chosen = isSame ? authenticator : makeAuthenticator(next, broker, ports, operator);
      return this.#step(chosen, transport, resolver);
    } catch (error) {
      await transport?.close();
      throw error;
    }
  }

  #step(
    authenticator: Authenticator,
    transport: TransportSecurity | null,
    resolver: PreparedResolver | null,
  ): ReloadStep {
    const { broker } = this.#deps;
    const previous = this.#holder.security;
    return {
      commit: () => {
        this.#holder.security = { authenticator, transport, operator: previous.operator };
        broker.authenticator = authenticator;
        broker.tls = transport?.setup ?? null;
        resolver?.commit();
      },
      finish: async () => {
        await previous.transport?.close();
        await resolver?.finish();
      },
      abandon: async () => {
        await transport?.close();
        await resolver?.abandon();
      },
    };
  }
}

/** All that decides who gets in, and as what. */
export function policyOf(options: Options): object {
  const { authorization, default_sentinel, resolver_pinned_accounts, server_tags } = options;
  return {
    rules: authenticationRules(options),
    auth_callout: authorization.auth_callout,
    timeout: authorization.timeout,
    accounts: options.accounts.map(({ name }) => name),
    default_sentinel,
    resolver_pinned_accounts,
    server_tags,
  };
}
