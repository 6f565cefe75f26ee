import { type AuthRequest, type Identity, type Verdict } from "../auth/identity.ts";
import type { ConnectionType } from "../config/users.ts";
import type { ConnectOptions } from "../wire/connect.ts";
import { WIRE_ERRORS } from "../wire/errors.ts";
import type { Client, ClientTransport } from "./client.ts";
import { refusalLine } from "./trace.ts";

/** How connections come in, in the words of `allowed_connection_types`. */
const CONNECTION_TYPES: Readonly<Record<ClientTransport, ConnectionType>> = {
  tcp: "STANDARD",
  "in-process": "IN_PROCESS",
  websocket: "WEBSOCKET",
};

/**
 * Asks whether `client` may come in with what `connect` shows, and calls `onAdmitted` once it is bound to its
 * account. Where the answer takes a while the client's input waits. Whoever is turned away is told so, and closed.
 */
export function admit(client: Client, connect: ConnectOptions, onAdmitted: () => void): void {
  const request = requestOf(client, connect);
  const isDecided = decide(client, request, (verdict, isLate) => {
    if (verdict === null) return;
    settle(client, connect, verdict, onAdmitted);
    if (isLate) client.onVerdict();
  });
  if (!isDecided) client.awaitVerdict();
}

/**
 * Asks again about a connection that is in, since users, accounts or keys changed: it stays with what it may do
 * now, or goes at once. Meanwhile it keeps what it had. Resolves when that is decided. A connection whose CONNECT
 * is being judged is left alone: that is done by the new rules too.
 */
export function readmit(client: Client): Promise<void> {
  if (!client.isJudged) return Promise.resolve();
  const { connect, identity } = client;
  return new Promise((resolve) => {
    decide(client, { ...requestOf(client, connect), previous: identity }, (verdict) => {
      // Another CONNECT in between was judged by the new rules.
      if (verdict !== null && client.isJudged && client.connect === connect) resettle(client, verdict);
      resolve();
    });
  });
}

/**
 * Gets a verdict, and calls `act` with it before anything else can happen; with null if the client has left
 * meanwhile. Rules that were replaced while the answer was on its way don't count: those that hold now are asked.
 * False: that is still to come.
 */
function decide(
  client: Client,
  request: AuthRequest,
  act: (verdict: Verdict | null, isLate: boolean) => void,
  isLate = false,
): boolean {
  const { authenticator } = client;
  const verdict = authenticator.authenticate(request);
  if (!(verdict instanceof Promise)) {
    act(verdict, isLate);
    return true;
  }
  void verdict.then((later) => {
    if (isGone(client)) act(null, true);
    else if (client.authenticator === authenticator) act(later, true);
    else decide(client, request, act, true);
  });
  return false;
}

function isGone({ state }: Client): boolean {
  return state === "closing" || state === "closed";
}

/** What a new verdict means for a client that is in. */
function resettle(client: Client, verdict: Verdict): void {
  const { proxyKey } = client.identity;
  if (!verdict.allowed) {
    refuse(client, client.connect, verdict);
  } else if (verdict.identity.proxyKey !== proxyKey && proxyKey !== "") {
    // Where no proxy is trusted any more its signature says nothing, but the one that it came by has fallen.
    const detail = "the proxy is no longer trusted";
    refuse(client, client.connect, { allowed: false, denial: "proxyNotTrusted", detail });
  } else if (verdict.identity.account !== client.account.name) {
    // It would find itself among strangers; as in the reference it has to come anew.
    client.close("clientClosed");
  } else {
    client.takeIdentity(verdict.identity);
  }
  client.broker.flusher.schedule();
}

function requestOf(client: Client, connect: ConnectOptions): AuthRequest {
  return {
    connect,
    nonce: client.nonce,
    connectionType: CONNECTION_TYPES[client.transport],
    cid: client.cid,
    host: client.pipe.remoteHost,
    tls: client.tls,
    isGone: () => isGone(client),
  };
}

function settle(client: Client, connect: ConnectOptions, verdict: Verdict, onAdmitted: () => void): void {
  if (!verdict.allowed) {
    refuse(client, connect, verdict);
  } else if (connect.account !== "" || connect.new_account) {
    // Clients once could choose an account; that is an error now, as in the reference.
    refuse(client, connect, {
      allowed: false,
      denial: "authenticationViolation",
      detail: "asks for an account",
    });
  } else if (bind(client, verdict.identity)) {
    onAdmitted();
  }
}

/** False when the client had to be turned away after all. */
function bind(client: Client, identity: Identity): boolean {
  const account = client.broker.accounts.get(identity.account);
  if (account === undefined) {
    const detail = `account ${JSON.stringify(identity.account)} is not known`;
    refuse(client, client.connect, { allowed: false, denial: "authenticationViolation", detail });
    return false;
  }
  if (!client.joinAccount(account)) {
    // For those who look after the account: it is theirs that had no room.
    client.identity = identity;
    client.sendError(WIRE_ERRORS.maxAccountConnections);
    client.error(WIRE_ERRORS.maxAccountConnections);
    client.close("maxAccountConnectionsExceeded");
    return false;
  }
  client.takeIdentity(identity);
  client.broker.reviewer?.(client);
  return !isGone(client);
}

function refuse(
  client: Client,
  connect: ConnectOptions,
  verdict: Verdict & { readonly allowed: false },
): void {
  client.error(refusalLine(connect));
  client.debug(`Turned away: ${verdict.detail}`);
  client.sendError(WIRE_ERRORS.authorizationViolation);
  client.broker.events.onAuthError(client, verdict.denial);
  client.close(verdict.denial);
}
