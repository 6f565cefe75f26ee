import type { JwtAccount } from "../auth/account-claims.ts";
import type { JwtIdentity } from "../auth/user-claims.ts";
import { reviewUser } from "../auth/user-claims-review.ts";
import type { Broker } from "../broker/broker.ts";
import type { Client } from "../broker/client.ts";
import type { CloseReason } from "../broker/close-reason.ts";
import { refusalLine } from "../broker/trace.ts";
import { WIRE_ERRORS } from "../wire/errors.ts";

/** Why a whole account is at its end, and what its connections are told. */
const ENDS = {
  accountExpired: { text: WIRE_ERRORS.accountExpired, reason: "authenticationExpired" },
  accountGone: { text: WIRE_ERRORS.authorizationViolation, reason: "authenticationViolation" },
} as const satisfies Readonly<Record<string, { readonly text: string; readonly reason: CloseReason }>>;

/** Everybody who is connected to an account has to leave. */
export function endAccount(broker: Broker, name: string, end: keyof typeof ENDS): void {
  const { text, reason } = ENDS[end];
  for (const client of clientsOf(broker, name)) dismiss(client, text, reason);
  broker.flusher.schedule();
}

/**
 * New claims of an account reach those who are connected: some have fewer rights now, some have to leave. Of too
 * many connections the latest go, as in the reference.
 */
export function reviewClients(broker: Broker, account: JwtAccount): void {
  const { max_connections } = account.config.limits;
  let count = 0;
  for (const client of clientsOf(broker, account.config.name)) {
    count++;
    if (max_connections >= 0 && count > max_connections) {
      dismiss(client, WIRE_ERRORS.maxAccountConnections, "maxAccountConnectionsExceeded");
    } else {
      review(client, account);
    }
  }
  broker.flusher.schedule();
}

/** Somebody has just been let in; `account` null: its account is no more, or has expired. */
export function reviewNewcomer(client: Client, account: JwtAccount | null): void {
  if (account === null) dismiss(client, WIRE_ERRORS.authorizationViolation, "authenticationViolation");
  else review(client, account);
}

function review(client: Client, account: JwtAccount): void {
  const { identity } = client;
  if (!isJwtIdentity(identity)) {
    client.onLimitsChanged();
    return;
  }
  const review = reviewUser(identity, account);
  switch (review.kind) {
    case "stay":
      client.onLimitsChanged();
      return;
    case "permissions":
      client.takeIdentity({ ...identity, permissions: review.permissions });
      return;
    case "revoked":
      dismiss(client, WIRE_ERRORS.userRevoked, "revocation");
      return;
    case "violation":
      client.error(`${refusalLine(client.connect)}: ${review.detail}`);
      dismiss(client, WIRE_ERRORS.authorizationViolation, "authenticationViolation");
  }
}

/** Whether somebody came with a token of its own; others came by way of a service. */
function isJwtIdentity(identity: Client["identity"]): identity is JwtIdentity {
  return "hasDefaultPermissions" in identity;
}

/** In the order in which they came; a list, since some of them may end. */
function clientsOf(broker: Broker, account: string): readonly Client[] {
  return [...broker.clients.values()].filter(
    (client) => client.state === "connected" && client.account.name === account,
  );
}

function dismiss(client: Client, text: string, reason: CloseReason): void {
  client.sendError(text);
  if (reason === "maxAccountConnectionsExceeded") client.error(text);
  else client.debug(text);
  client.close(reason);
}
