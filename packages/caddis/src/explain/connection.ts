import { STALL_BYTES_MAX, STALL_SHARE } from "../base/limits.ts";
import type { Steps } from "../base/steps.ts";
import type { Client } from "../broker/client.ts";
import { type ClientSummary, summarize } from "../broker/client-summary.ts";
import { formatDuration } from "../config/duration.ts";
import { formatTime, formatUptime } from "../system/format.ts";
import { closeAdvice } from "./close-advice.ts";
import { counted, type Facts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { findingsAbout } from "./findings.ts";
import { importsOf, type Rights, rightsOf, rulesText, type ShownImport } from "./rights.ts";
import { explainSubscription, type SubscriptionExplanation } from "./subscription.ts";

/** Slow receivers that are named. */
const RECEIVERS_MAX = 5;
/** Open connections that are looked at in one step. */
const CLIENTS_PER_STEP = 1024;

/** What there is to say about one connection, in plain sentences and as data. Fields that are undefined are left out. */
export interface ConnectionExplanation {
  readonly cid: number;
  readonly state: "open" | "closed";
  /** Sentences for people. */
  readonly summary: readonly string[];
  readonly who: Who;
  readonly waiting: Waiting;
  /** Of a closed connection. */
  readonly closed: { readonly at: string; readonly reason: string; readonly meaning: string } | undefined;
  readonly rights: Rights | undefined;
  readonly imports: readonly ShownImport[] | undefined;
  readonly subscription: SubscriptionExplanation | undefined;
  readonly findings: readonly Finding[];
}

/** Who is behind it; never a secret. */
export interface Who {
  readonly address: string;
  readonly transport: string;
  readonly name: string;
  readonly library: string;
  readonly user: string;
  readonly account: string;
  /** TLS version; empty: in the clear. */
  readonly tls: string;
  readonly credentials_until: string | undefined;
}

/** What waits. */
export interface Waiting {
  readonly pending_bytes: number;
  readonly pings_unanswered: number;
  /** How often it was held back as a publisher. */
  readonly stalls: number;
  readonly held_back: boolean;
  /** Of one that is held back: receivers that are behind, by their numbers. */
  readonly slow_receivers: readonly number[];
}

/** Explains connection `cid`, and its subscription `sid` unless that is empty; null: nothing is known of it. */
export function* explainConnection(
  facts: Facts,
  cid: number,
  sid: string,
): Steps<ConnectionExplanation | null> {
  const client = facts.broker.clients.get(cid);
  // One that is leaving is among those that have left already.
  if (client !== undefined && client.closeReason === null) return yield* explainOpen(facts, client, sid);
  const summary = facts.broker.closedClients.all().findLast((closed) => closed.cid === cid);
  return summary === undefined ? null : explainClosed(summary);
}

function* explainOpen(facts: Facts, client: Client, sid: string): Steps<ConnectionExplanation> {
  const summary = summarize(client, false, 0);
  const who = whoIs(summary, client.identity.expiresMs);
  const isHeldBack = client.parser.state === "suspended" && client.state === "connected";
  const waiting: Waiting = {
    pending_bytes: summary.pendingBytes,
    pings_unanswered: client.pings.unanswered,
    stalls: summary.stalls,
    held_back: isHeldBack,
    slow_receivers: isHeldBack ? yield* slowReceivers(facts, client) : [],
  };
  const rights = client.wasConnected ? rightsOf(client) : undefined;
  const subscription = sid === "" ? undefined : explainSubscription(client, sid);
  const found = findingsAbout(client, facts);
  const sentences = [
    introduction(summary, who),
    stateSentence(facts, client),
    ...waitingSentences(facts, waiting),
    ...rightsSentences(rights),
    ...(subscription?.summary ?? []),
    ...found.map(({ number, title, detail, remedy }) => `Finding ${number}: ${title}: ${detail}. ${remedy}`),
  ];
  return {
    cid: client.cid,
    state: "open",
    summary: sentences,
    who,
    waiting,
    closed: undefined,
    rights,
    imports: importsOf(client.account),
    subscription,
    findings: found,
  };
}

function explainClosed(summary: ClientSummary): ConnectionExplanation {
  const who = whoIs(summary, 0);
  const at = formatTime(summary.stopMs);
  const meaning = closeAdvice(summary.reason);
  const lasted = formatUptime(summary.stopMs - summary.startMs);
  const pending =
    summary.pendingBytes === 0 ? [] : [`${counted(summary.pendingBytes, "byte")} had not been sent to it.`];
  return {
    cid: summary.cid,
    state: "closed",
    summary: [
      introduction(summary, who),
      `It was closed at ${at} after ${lasted}: ${summary.reason}. That is: ${meaning}.`,
      ...pending,
    ],
    who,
    waiting: {
      pending_bytes: summary.pendingBytes,
      pings_unanswered: 0,
      stalls: summary.stalls,
      held_back: false,
      slow_receivers: [],
    },
    closed: { at, reason: summary.reason, meaning },
    rights: undefined,
    imports: undefined,
    subscription: undefined,
    findings: [],
  };
}

function whoIs(summary: ClientSummary, expiresMs: number): Who {
  const { host, port, transport, name, lang, version, user, account, tls } = summary;
  return {
    address: host === "" ? "" : host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`,
    transport,
    name,
    library: [lang, version].filter((part) => part !== "").join(" "),
    user,
    account,
    tls: tls === null ? "" : tls.version,
    credentials_until: expiresMs > 0 ? formatTime(expiresMs) : undefined,
  };
}

/** What clients say of themselves stands in quotes. */
function introduction({ cid }: ClientSummary, who: Who): string {
  const parts = [
    who.name === "" ? "" : `calls itself ${JSON.stringify(who.name)}`,
    who.library === "" ? "" : `uses the library ${JSON.stringify(who.library)}`,
    who.user === "" ? "nobody in particular" : `is user ${JSON.stringify(who.user)}`,
    `in account ${JSON.stringify(who.account)}`,
    who.tls === "" ? "in the clear" : `by TLS ${who.tls}`,
  ].filter((part) => part !== "");
  const from = who.address === "" ? "inside the process" : `from ${who.address}`;
  return `Connection ${cid} (${who.transport}, ${from}): ${parts.join(", ")}.`;
}

function stateSentence({ nowMs, broker }: Facts, client: Client): string {
  const since = formatUptime(nowMs - client.startMs);
  const idle = formatUptime(nowMs - client.lastActivityMs);
  switch (client.state) {
    case "securing":
      return `It is in its TLS handshake since ${since}.`;
    case "connecting":
      return client.parser.connectOnly
        ? `It has not been let in since ${since}; after ${formatDuration(broker.options.authorization.timeout)} it is closed.`
        : `It has not sent CONNECT since ${since}.`;
    default:
      return `It is open since ${since}, was last active ${idle} ago and has ${counted(client.subscriptions.size, "subscription")}.`;
  }
}

function waitingSentences({ broker }: Facts, waiting: Waiting): string[] {
  const { options } = broker;
  const { pending_bytes, pings_unanswered, stalls, held_back, slow_receivers } = waiting;
  const sentences = [
    pending_bytes === 0
      ? "Nothing waits to be sent to it."
      : `${counted(pending_bytes, "byte")} wait to be sent to it, of ${options.max_pending} that may: it does not read as fast as it is sent to.`,
  ];
  if (pings_unanswered > 0) {
    sentences.push(`${counted(pings_unanswered, "PING")} unanswered, of ${options.ping_max} that may be.`);
  }
  if (held_back) {
    const whom = slow_receivers.length === 0 ? "" : `: most likely connection ${slow_receivers.join(", ")}`;
    sentences.push(`It is held back as a publisher, since a receiver of its messages is behind${whom}.`);
  } else if (stalls > 0) {
    sentences.push(
      `It was held back ${counted(stalls, "time")} for receivers that were behind; now it is not.`,
    );
  }
  return sentences;
}

function rightsSentences(rights: Rights | undefined): string[] {
  if (rights === undefined) return ["It may do nothing yet."];
  const { publish, subscribe, responses, max_payload, max_subscriptions } = rights;
  const answers = responses === undefined ? "" : ", and answer requests it got";
  const most =
    max_subscriptions < 0 ? "any number of subscriptions" : counted(max_subscriptions, "subscription");
  return [
    `It may publish ${rulesText(publish)}${answers}.`,
    `It may subscribe to ${rulesText(subscribe)}.`,
    `It may have ${most}, and send payloads of up to ${max_payload} bytes.`,
  ];
}

/** Who publishers are held back for: connections with more waiting than lets publishers go on, most first. */
function* slowReceivers({ broker }: Facts, publisher: Client): Steps<number[]> {
  const behind = Math.min(STALL_BYTES_MAX, broker.options.max_pending * STALL_SHARE) / 4;
  const found: Client[] = [];
  let looked = 0;
  for (const client of broker.clients.values()) {
    if (client !== publisher && client.outbound.pendingBytes > behind) found.push(client);
    if (++looked % CLIENTS_PER_STEP === 0) yield;
  }
  return found
    .sort((a, b) => b.outbound.pendingBytes - a.outbound.pendingBytes)
    .slice(0, RECEIVERS_MAX)
    .map(({ cid }) => cid);
}
