import { pinsOf } from "../auth/pinned-certificates.ts";
import { same } from "../base/same.ts";
import { readmit } from "../broker/admission.ts";
import type { Broker } from "../broker/broker.ts";
import type { Client } from "../broker/client.ts";
import type { Options } from "../config/options.ts";
import type { TlsConfig } from "../config/tls.ts";
import { WIRE_ERRORS } from "../wire/errors.ts";

/**
 * Lets live connections have what the options of `broker` say by now: whoever may no longer be here goes, the others
 * keep what they may still have. `isAsked`: who may come in, or as what, is decided by other rules. Resolves when
 * everybody is decided about, which takes longer only where passwords have to be compared or a service asked.
 */
export async function reviewConnections(broker: Broker, previous: Options, isAsked: boolean): Promise<void> {
  closeHalfway(broker, previous);
  closeUnpinned(broker, previous);
  closeBeyondMaximum(broker, previous);
  const decided = isAsked ? openClients(broker).map((client) => readmit(client)) : [];
  for (const client of openClients(broker)) client.onOptionsChanged(previous);
  closeBeyondAccounts(broker);
  broker.flusher.schedule();
  await Promise.all(decided);
}

/** In the order in which they came; a list, since some of them may end. */
function openClients(broker: Broker): readonly Client[] {
  return [...broker.clients.values()].filter(isOpen);
}

function isOpen({ state }: Client): boolean {
  return state !== "closing" && state !== "closed";
}

/** A handshake under way is by the old rules, and so is a connection that has not shown yet who it is: it comes anew. */
function closeHalfway(broker: Broker, { tls: before, allow_non_tls }: Options): void {
  const { tls } = broker.options;
  if (same(before, tls)) return;
  const isRequired = before === null && tls !== null && !allow_non_tls;
  for (const client of openClients(broker)) {
    if (client.state === "securing") client.closeNow("tlsHandshakeError");
    const isPlain = client.transport === "tcp" && client.tls === null;
    if (isRequired && isPlain && client.state === "connecting" && !client.isJudged) {
      client.close("tlsHandshakeError");
    }
  }
}

/** Whoever's certificate is not among those that are pinned by now. */
function closeUnpinned(broker: Broker, { tls: before }: Options): void {
  const { tls } = broker.options;
  if (same(pinsIn(before), pinsIn(tls)) || pinsIn(tls).length === 0) return;
  const isPinned = pinsOf(pinsIn(tls));
  const unpinned = openClients(broker).filter(
    ({ state, tls: session, transport }) =>
      state !== "securing" && transport === "tcp" && !isPinned(session?.certificates[0]),
  );
  if (unpinned.length === 0) return;
  broker.log.info(`Disconnect ${unpinned.length} clients due to pinned certs reload`);
  for (const client of unpinned) client.close("tlsHandshakeError");
}

function pinsIn(tls: TlsConfig | null): readonly string[] {
  return tls?.pinned_certs ?? [];
}

/** Of too many connections the latest go. */
function closeBeyondMaximum(broker: Broker, previous: Options): void {
  const { max_connections } = broker.options;
  if (max_connections === previous.max_connections) return;
  const surplus = openClients(broker).slice(Math.max(0, max_connections));
  for (const client of surplus) dismiss(client, WIRE_ERRORS.maxConnections, "maxConnectionsExceeded");
  if (surplus.length > 0) {
    broker.log.info(`Closed ${surplus.length} connections to fall within max_connections`);
  }
}

/** The same within each account. */
function closeBeyondAccounts(broker: Broker): void {
  for (const { limits, connectionCount, name } of broker.accounts) {
    const { max_connections } = limits;
    if (max_connections < 0 || connectionCount <= max_connections) continue;
    const members = openClients(broker).filter(({ account }) => account.name === name);
    for (const client of members.slice(max_connections)) {
      dismiss(client, WIRE_ERRORS.maxAccountConnections, "maxAccountConnectionsExceeded");
    }
  }
}

function dismiss(
  client: Client,
  text: string,
  reason: "maxConnectionsExceeded" | "maxAccountConnectionsExceeded",
): void {
  client.sendError(text);
  client.error(text);
  client.close(reason);
}
