import { authenticationRules } from "../auth/authentication-rules.ts";
import {
  CALLOUT_SUBJECT,
  CALLOUT_XKEY_HEADER,
  CalloutAuthenticator,
  type CalloutDeps,
} from "../auth/callout.ts";
import { OperatorCallout } from "../auth/callout-operator.ts";
import { type CalloutPolicy, ConfiguredCallout } from "../auth/callout-policy.ts";
import { type AuthenticationRules, ConfiguredAuthenticator } from "../auth/configured-authenticator.ts";
import type { Authenticator } from "../auth/identity.ts";
import type { PeerCheckEvents } from "../auth/ocsp/peer-checker.ts";
import { isBcryptHash } from "../auth/password.ts";
import { OperatorAuthenticator } from "../auth/operator-authenticator.ts";
import { TrustedProxies } from "../auth/trusted-proxies.ts";
import type { UserRules } from "../auth/user-claims.ts";
import { COMPATIBLE_VERSION } from "../base/version.ts";
import type { Broker } from "../broker/broker.ts";
import { request } from "../broker/internal-request.ts";
import type { Options } from "../config/options.ts";
import type { TlsConfig } from "../config/tls.ts";
import type { SecurityPorts } from "../io/security.ts";
import type { OperatorMode } from "./operator-mode.ts";
import type { TransportSecurity } from "./transport-security.ts";

/** What guards one server's port for clients: who gets in, and TLS. Made of options; another one after a reload. */
export interface Security {
  readonly authenticator: Authenticator;
  /** Null: connections are in the clear. */
  readonly transport: TransportSecurity | null;
  /** Null: accounts and users are configured. */
  readonly operator: OperatorMode | null;
}

export interface SecurityDeps {
  readonly broker: Broker;
  readonly ports: SecurityPorts;
  /** Hears of peers whose certificates are not good. */
  readonly events: PeerCheckEvents;
  /** The server may not go on. */
  readonly onFatal: (reason: string) => void;
}

/** Whether there is anything to open: files, a library, or somebody else to ask. */
export function needsOpening(options: Options): boolean {
  const { authorization, tls } = options;
  const rules = authenticationRules(options);
  return (
    tls !== null ||
    isOperatorMode(options) ||
    authorization.auth_callout !== null ||
    [rules.password, rules.token, ...rules.users.map(({ password }) => password)].some(isBcryptHash)
  );
}

/** Opens everything that options ask for, and changes nothing. Rejects with what is in the way. */
export async function openSecurity(options: Options, deps: SecurityDeps): Promise<Security> {
  const { broker, ports } = deps;
  if (configuredAuthenticator(options, ports).usesBcrypt) await ports.hasher.load();
  const transport = await openTransport(options, deps);
  try {
    const operator = isOperatorMode(options) ? await openOperatorMode(options, ports, broker) : null;
    return { authenticator: makeAuthenticator(options, broker, ports, operator), transport, operator };
  } catch (error) {
    await transport?.close();
    throw error;
  }
}

/** Lets go of files, timers and connections to others. */
export async function closeSecurity({ operator, transport }: Security): Promise<void> {
  await operator?.close();
  await transport?.close();
}

/** Reads certificates and what goes with them; null without TLS. Rejects with what is in the way. */
export async function openTransport(
  options: Options,
  { broker, ports, events, onFatal }: SecurityDeps,
  tls: TlsConfig | null = options.tls,
): Promise<TransportSecurity | null> {
  const { clock, timers, log } = broker;
  if (tls === null) return null;
  const { TransportSecurity } = await import("./transport-security.ts");
  return TransportSecurity.open(options, tls, { ports, clock, timers, log, events, onFatal });
}

/** Most servers do without, and start sooner for it. */
async function openOperatorMode(
  options: Options,
  ports: SecurityPorts,
  broker: Broker,
): Promise<OperatorMode> {
  const { OperatorMode } = await import("./operator-mode.ts");
  return OperatorMode.open(options, ports, broker);
}

/** Whether accounts come from JWTs. */
export function isOperatorMode({ operator, trusted }: Options): boolean {
  return operator.length > 0 || trusted.length > 0;
}

/** The users, tokens and keys that options name, apart from whoever else is to be asked. */
export function configuredAuthenticator(options: Options, ports: SecurityPorts): ConfiguredAuthenticator {
  return new ConfiguredAuthenticator(authenticationRules(options), ports.hasher);
}

/** Who decides about clients. `operator` is there in operator mode. `rules`: of the listener they come by. */
export function makeAuthenticator(
  options: Options,
  broker: Broker,
  ports: SecurityPorts,
  operator: OperatorMode | null,
  rules: AuthenticationRules = authenticationRules(options),
): Authenticator {
  if (operator !== null) return operatorAuthenticator(options, broker, ports, operator);
  const configured = new ConfiguredAuthenticator(rules, ports.hasher);
  const { auth_callout } = options.authorization;
  if (auth_callout === null) return configured;
  const policy = new ConfiguredCallout(auth_callout, rules.no_auth_user, {
    isAccount: (name) => broker.accounts.get(name) !== undefined,
    defaultPermissions: (name) =>
      options.accounts.find((account) => account.name === name)?.default_permissions ?? null,
  });
  return new CalloutAuthenticator(configured, calloutDeps(options, broker, ports.localZone, policy));
}

/** What users of operator mode are judged by. `localZone`: IANA name of this machine's. */
export function userRules(
  { default_sentinel, resolver_pinned_accounts: pinned, system_account }: Options,
  broker: Broker,
  localZone: string,
  { operators }: OperatorMode,
): UserRules {
  return {
    operators,
    pinnedAccounts: pinned.length === 0 ? null : new Set([...pinned, system_account]),
    onUnpinned: () => void broker.counters.pinnedAccountFails++,
    defaultSentinel: default_sentinel,
    localZone,
  };
}

function operatorAuthenticator(
  options: Options,
  broker: Broker,
  ports: SecurityPorts,
  operator: OperatorMode,
): Authenticator {
  const deps = {
    rules: userRules(options, broker, ports.localZone, operator),
    proxies: new TrustedProxies(options.proxies),
    account: (id: string) => operator.account(id),
    nowMs: () => broker.clock.nowMs(),
  };
  // Whether users of an account go to a service is said in its claims, which can come at any time.
  const policy = new OperatorCallout(deps);
  return new CalloutAuthenticator(
    new OperatorAuthenticator(deps),
    calloutDeps(options, broker, ports.localZone, policy),
  );
}

/** What an auth callout works with. */
export function calloutDeps(
  options: Options,
  broker: Broker,
  localZone: string,
  policy: CalloutPolicy,
): CalloutDeps {
  const timeoutMs = options.authorization.timeout;
  return {
    policy,
    server: {
      name: broker.serverName,
      host: options.host,
      id: broker.serverId,
      version: COMPATIBLE_VERSION,
      cluster: "",
      tags: options.server_tags,
    },
    keys: broker.keys,
    curve: broker.curve,
    proxies: new TrustedProxies(options.proxies),
    random: broker.random,
    localZone,
    timeoutMs,
    nowMs: () => broker.clock.nowMs(),
    async request(accountName, payload, xkey) {
      const account = broker.accounts.get(accountName);
      if (account === undefined) return null;
      const headers = xkey === "" ? "" : `NATS/1.0\r\n${CALLOUT_XKEY_HEADER}: ${xkey}\r\n\r\n`;
      const answer = await request(account, CALLOUT_SUBJECT, headers, payload, timeoutMs);
      return answer?.payload ?? null;
    },
  };
}
