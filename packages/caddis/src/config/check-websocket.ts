import { configuredUserNames } from "./check-security.ts";
import type { Options } from "./options.ts";
import { parseOrigin } from "./origin.ts";
import { quoted } from "./read-value.ts";

/** Fields of the answer that are the upgrade's own. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "connection",
  "upgrade",
  "nats-no-masking",
]);
const RESERVED_PREFIX = "sec-websocket-";

/** A token of HTTP. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;
/** Visible text, spaces and tabs: nothing that would begin another field. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What is wrong with how the options of `websocket` go together, and with others. Nothing counts without a port. */
export function websocketProblems(options: Options): string[] {
  const { websocket } = options;
  if (websocket.port === 0) return [];
  const problems: string[] = [];
  if (websocket.tls === null && !websocket.no_tls) problems.push("websocket requires TLS configuration");
  if (websocket.tls !== null && websocket.tls.certificates.length === 0) {
    problems.push("websocket: TLS Server certificate must be present and valid");
  }
  return [
    ...problems,
    ...originProblems(options),
    ...authorizationProblems(options),
    ...headerProblems(options),
  ];
}

function originProblems({ websocket }: Options): string[] {
  return websocket.allowed_origins.flatMap((url) => {
    const origin = parseOrigin(url);
    if (typeof origin === "string") return [`unable to parse allowed origin: ${origin}`];
    const start = `unable to parse allowed origin ${quoted(url)}`;
    if (origin.scheme !== "http" && origin.scheme !== "https") {
      return [`${start}: allowed origins must be absolute URLs with http or https scheme`];
    }
    return origin.host === "" ? [`${start}: host is required`] : [];
  });
}

function authorizationProblems(options: Options): string[] {
  const { websocket, operator, trusted } = options;
  const { authorization, no_auth_user: noAuthUser, jwt_cookie: cookie } = websocket;
  const names = configuredUserNames(options);
  const isOperated = operator.length > 0 || trusted.length > 0;
  const problems: string[] = [];
  if (noAuthUser !== "" && isOperated) {
    problems.push("no_auth_user not compatible with Trusted Operator");
  } else if (noAuthUser !== "" && names.length === 0) {
    problems.push(`no_auth_user: ${quoted(noAuthUser)} present, but users/nkeys are not defined`);
  } else if (noAuthUser !== "" && !names.includes(noAuthUser)) {
    problems.push(
      `no_auth_user: ${quoted(noAuthUser)} not present as user or nkey in authorization block or account configuration`,
    );
  }
  if (names.length > 0 && authorization.user !== "") {
    problems.push("websocket authentication username not compatible with presence of users/nkeys");
  }
  if (names.length > 0 && authorization.token !== "") {
    problems.push("websocket authentication token not compatible with presence of users/nkeys");
  }
  // nats-server lets everybody in then.
  if (authorization.user === "" && authorization.password !== "") {
    problems.push("websocket authorization has a password but no user");
  }
  if (cookie !== "" && !isOperated) {
    problems.push(
      `trusted operators or trusted keys configuration is required for JWT authentication via cookie ${quoted(cookie)}`,
    );
  }
  return problems;
}

function headerProblems({ websocket }: Options): string[] {
  return Object.entries(websocket.headers).flatMap(([name, value]) => {
    const lower = name.toLowerCase();
    if (RESERVED_HEADERS.has(lower)) return [`websocket: invalid header ${quoted(name)} not allowed`];
    if (lower.startsWith(RESERVED_PREFIX)) {
      return [`websocket: invalid header ${quoted(name)}, "Sec-WebSocket-" prefix not allowed`];
    }
    // nats-server sends them as they are, line breaks and all.
    if (HEADER_NAME.test(name) && HEADER_VALUE.test(value)) return [];
    return [`websocket: invalid header ${quoted(name)}, not a field of HTTP`];
  });
}
