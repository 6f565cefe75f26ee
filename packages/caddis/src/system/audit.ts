import type { Account } from "../broker/account.ts";
import type { Broker } from "../broker/broker.ts";
import type { Client } from "../broker/client.ts";
import { shownAccount, shownUser } from "../broker/client-summary.ts";
import { CLOSE_REASONS, type CloseReason } from "../broker/close-reason.ts";
import type { BrokerEvents } from "../broker/events.ts";
import type { ReceivedMessage } from "../broker/internal-subscription.ts";
import type { Subscription } from "../broker/subscription.ts";
import type { AuditSink } from "../io/audit-sink.ts";
import { fromWireString } from "../subject/subject.ts";
import { auditedSubjects, orderDetails } from "./audit-requests.ts";
import { formatTime } from "./format.ts";

/** Kinds of audit lines; they stay what they are. */
export type AuditEvent =
  | "auth.accepted"
  | "auth.refused"
  | "auth.ended"
  | "config.changed"
  | "config.refused"
  | "admin.request";

/** Reasons that are about who somebody is: these ends are results of authentication. */
const AUTH_REASONS: ReadonlySet<CloseReason> = new Set([
  "authenticationTimeout",
  "authenticationViolation",
  "authenticationExpired",
  "revocation",
  "proxyNotTrusted",
  "proxyRequired",
  "missingAccount",
  "tlsHandshakeError",
  "maxAccountConnectionsExceeded",
]);

/** What stands in a line besides time and event. Never a secret. */
type Details = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/**
 * Keeps account of who was let in and who was not, of changes of the configuration and of administrative requests, as
 * JSON lines. It listens to the broker's events and, in the system account, to the requests that change something.
 */
export class Audit implements Partial<BrokerEvents> {
  readonly #broker: Broker;
  readonly #sink: AuditSink;
  /** Where requests are listened for; null: nowhere. */
  #account: Account | null = null;
  #subscriptions: Subscription[] = [];

  constructor(broker: Broker, sink: AuditSink) {
    this.#broker = broker;
    this.#sink = sink;
  }

  onConnect(client: Client): void {
    this.#note("auth.accepted", this.#peer(client));
  }

  onLeave(client: Client): void {
    const { closeReason } = client;
    if (closeReason === null || !AUTH_REASONS.has(closeReason)) return;
    const event = client.wasConnected ? "auth.ended" : "auth.refused";
    this.#note(event, { reason: CLOSE_REASONS[closeReason], ...this.#peer(client) });
  }

  /** The server goes on with other options. `changed`: their names, no values: these may be secrets. */
  noteConfigChanged(changed: Iterable<string>): void {
    this.#note("config.changed", { options: [...changed].sort() });
  }

  /** A configuration was not taken. Why stands in the log, whose reader may see values. */
  noteConfigRefused(): void {
    this.#note("config.refused", {});
  }

  /** Somebody on this machine asked for `what` by a signal. */
  noteSignal(what: string): void {
    this.#note("admin.request", { request: what, via: "signal" });
  }

  /** Listens where the system account is now: another one after a reload, perhaps, or none. */
  follow(): void {
    const { systemAccount } = this.#broker;
    if (systemAccount === this.#account) return;
    this.#unsubscribe();
    this.#account = systemAccount;
    if (systemAccount === null) return;
    this.#subscriptions = auditedSubjects(this.#broker).map((subject) =>
      systemAccount.listen(subject, "", (request) => this.#onRequest(request)),
    );
  }

  /** Writes nothing any more. */
  close(): void {
    this.#unsubscribe();
    this.#account = null;
    this.#sink.close();
  }

  #unsubscribe(): void {
    for (const subscription of this.#subscriptions) this.#account?.unsubscribe(subscription);
    this.#subscriptions = [];
  }

  #onRequest(request: ReceivedMessage): void {
    const by =
      request.origin === null ? { via: "server" } : { via: "request", ...this.#peer(request.origin) };
    this.#note("admin.request", {
      request: fromWireString(request.subject),
      ...orderDetails(request.payload),
      ...by,
    });
  }

  #peer(client: Client): Details {
    const { connect, pipe, cid, transport, identity, arrival } = client;
    return {
      cid,
      transport,
      host: pipe.remoteHost || undefined,
      port: pipe.remotePort || undefined,
      forwarded_for: arrival?.forwardedFor || undefined,
      user: shownUser(client) || undefined,
      nkey: identity.nkey || undefined,
      account: shownAccount(client),
      name: connect.name || undefined,
    };
  }

  #note(event: AuditEvent, details: Details): void {
    const time = formatTime(this.#broker.clock.nowMs());
    this.#sink.write(JSON.stringify({ time, event, server: this.#broker.serverId, ...details }));
  }
}
