import { configuredUsers } from "../auth/authentication-rules.ts";
import type { Options } from "../config/options.ts";
import type { Permissions, SubjectRules } from "../config/permissions.ts";
import { securityWarnings } from "../config/check-security.ts";
import { formatTime } from "../system/format.ts";
import type { Facts } from "./facts.ts";
import type { ServerFindingKind } from "./finding.ts";

/** Long enough to get a new certificate where people have to be asked. */
const CERTIFICATE_NOTICE_MS = 30 * 86_400_000;
/** A person mistypes a password less often than this in ten minutes. */
const AUTH_FAILURES_MIN = 10;
const HANDSHAKE_FAILURES_MIN = 10;

/** Addresses that only this machine reaches. */
const LOOPBACK = /^(?:localhost|::1|\[::1\]|127(?:\.\d{1,3}){3})$/i;

/** What may be said about who can get in, and what they can read on the way. */
export const SECURITY_FINDINGS: readonly ServerFindingKind[] = [
  {
    number: 301,
    severity: "error",
    title: "The server's certificate has expired",
    remedy:
      "Put a new certificate in the place of the old one: it is taken without a restart. Clients refuse this one.",
    find: (facts) => {
      const endMs = certificateEnd(facts);
      return endMs === null || endMs > facts.nowMs ? null : `since ${formatTime(endMs)}`;
    },
  },
  {
    number: 302,
    severity: "warning",
    title: "The server's certificate expires soon",
    remedy: "Put a new certificate in the place of the old one: it is taken without a restart.",
    find: (facts) => {
      const endMs = certificateEnd(facts);
      if (endMs === null || endMs <= facts.nowMs || endMs - facts.nowMs > CERTIFICATE_NOTICE_MS) return null;
      return `at ${formatTime(endMs)}`;
    },
  },
  {
    number: 304,
    severity: "warning",
    title: "One address is turned away again and again",
    remedy:
      "A client with old credentials, or somebody who guesses: find it by its address, and block it if it is not yours.",
    find: ({ lately }) => {
      const { host, count } = lately.worstAuthSource();
      return count < AUTH_FAILURES_MIN ? null : `${host}: ${count} times in the last 10 minutes`;
    },
  },
  {
    number: 305,
    severity: "warning",
    title: "Passwords stand in the configuration in the clear",
    remedy: "Use nkeys or JWTs, or bcrypt hashes (nats server passwd).",
    find: ({ broker }) =>
      securityWarnings(broker.options).some((text) => text.startsWith("Plaintext passwords"))
        ? "at least one password is no bcrypt hash"
        : null,
  },
  {
    number: 306,
    severity: "warning",
    title: "Clients without credentials may do nearly everything",
    remedy: "Give the no_auth_user permissions that name the subjects it needs.",
    find: ({ broker }) => {
      const wide = wideNoAuthUser(broker.options);
      return wide === null ? null : `no_auth_user ${JSON.stringify(broker.options.no_auth_user)} may ${wide}`;
    },
  },
  {
    number: 307,
    severity: "warning",
    title: "Anybody who reaches the port may connect",
    remedy: "Configure users, nkeys or an operator, or listen on a loopback address only.",
    find: ({ broker }) =>
      isPublic(broker.options) && !broker.authenticator.expectsConnect
        ? `no authentication on ${broker.options.host}`
        : null,
  },
  {
    number: 308,
    severity: "warning",
    title: "Traffic is readable on a public address",
    remedy: "Configure a tls block, and leave out allow_non_tls.",
    find: ({ broker }) => {
      if (!isPublic(broker.options)) return null;
      if (broker.tls === null) return `no TLS on ${broker.options.host}`;
      return broker.tls.allowNonTls ? `allow_non_tls on ${broker.options.host}` : null;
    },
  },
  {
    number: 309,
    severity: "info",
    title: "Monitoring is open on a public address",
    remedy:
      "Set http to a loopback address or one that only your own network reaches: it asks nobody who they are.",
    find: ({ broker: { options } }) => {
      if (options.http_port === 0 && options.https_port === 0) return null;
      const host = options.http_host === "" ? options.host : options.http_host;
      return LOOPBACK.test(host) ? null : `monitoring listens on ${host}`;
    },
  },
  {
    number: 311,
    severity: "warning",
    title: "TLS handshakes fail",
    remedy:
      "The log says why: clients that do not trust the certificate, too old a TLS version, or clients that begin in the clear.",
    find: ({ lately }) => {
      const count = lately.count("tlsHandshakeError");
      return count < HANDSHAKE_FAILURES_MIN ? null : `${count} in the last 10 minutes`;
    },
  },
  {
    number: 312,
    severity: "warning",
    title: "WebSocket traffic is readable on a public address",
    remedy:
      "Give the websocket block a tls block, or listen on an address that only a proxy with TLS reaches.",
    find: ({ broker }) => {
      const { port, host, no_tls } = broker.options.websocket;
      const shown = host === "" ? "0.0.0.0" : host;
      return port === 0 || !no_tls || LOOPBACK.test(shown) ? null : `no_tls on ${shown}`;
    },
  },
];

/** When the first of the server's certificates ends; null without TLS. */
function certificateEnd({ broker: { tls } }: Facts): number | null {
  return tls === null ? null : tls.context.notAfterMs;
}

function isPublic({ host, dont_listen }: Options): boolean {
  return !dont_listen && !LOOPBACK.test(host);
}

/** What a `no_auth_user` may do without bounds; null: nothing, or there is none. */
function wideNoAuthUser(options: Options): string | null {
  if (options.no_auth_user === "") return null;
  const user = configuredUsers(options).find(({ user, nkey }) => [user, nkey].includes(options.no_auth_user));
  if (user === undefined) return null;
  const permissions = user.permissions ?? defaultsOf(options, user.account);
  if (permissions === null) return "publish and subscribe everywhere";
  const { publish, subscribe, responses } = permissions;
  const wide = [
    // Whoever may answer may publish nothing else, unless a list says so.
    isWide(publish) && !(responses !== null && publish.allow === null) ? "publish" : "",
    isWide(subscribe) ? "subscribe" : "",
  ].filter((word) => word !== "");
  return wide.length === 0 ? null : `${wide.join(" and ")} everywhere`;
}

function defaultsOf(options: Options, account: string): Permissions | null {
  const own = options.accounts.find(({ name }) => name === account)?.default_permissions ?? null;
  return own ?? options.authorization.default_permissions;
}

function isWide({ allow }: SubjectRules): boolean {
  return allow === null || allow.some((subject) => subject === ">" || subject.startsWith("> "));
}
