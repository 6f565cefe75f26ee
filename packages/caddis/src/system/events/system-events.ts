import type { CertificateInfo, PeerCheckEvents } from "../../auth/ocsp/peer-checker.ts";
import type { Account } from "../../broker/account.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Client } from "../../broker/client.ts";
import { shownAccount } from "../../broker/client-summary.ts";
import { CLOSE_REASONS, type CloseReason } from "../../broker/close-reason.ts";
import type { BrokerEvents } from "../../broker/events.ts";
import type { ServerInfo } from "../server-info.ts";
import { AccountHeartbeats } from "./account-heartbeats.ts";
import { Announcer } from "./announcer.ts";
import { eventClient } from "./client-info.ts";

/**
 * What operators hear of one server: connections that come, go and are turned away, in the system account; owners
 * of accounts hear of the latter too. Shapes are the reference's.
 */
export class SystemEvents implements Partial<BrokerEvents>, PeerCheckEvents {
  readonly #broker: Broker;
  readonly #announcer: Announcer;
  readonly #heartbeats: AccountHeartbeats;

  constructor(broker: Broker) {
    this.#broker = broker;
    this.#announcer = new Announcer(broker);
    this.#heartbeats = new AccountHeartbeats(broker, this.#announcer);
  }

  onConnect(client: Client): void {
    const account = client.account.name;
    this.#announce("client_connect", `$SYS.ACCOUNT.${account}.CONNECT`, (server) => ({
      server,
      client: eventClient(client, account, null),
    }));
  }

  /** Of those too that were never accepted. */
  onLeave(client: Client): void {
    const account = shownAccount(client);
    this.#announce("client_disconnect", `$SYS.ACCOUNT.${account}.DISCONNECT`, (server) =>
      this.#departure(server, client, account, client.closeReason),
    );
  }

  onAuthError(client: Client, reason: CloseReason): void {
    const { serverId, systemAccount } = this.#broker;
    // Without a system account nobody is told anything, as in the reference.
    if (systemAccount === null) return;
    const concerned = this.#accountConcerned(client);
    this.#announcer.announce(concerned, "client_disconnect", ["$SYS.ACCOUNT.CLIENT.AUTH.ERR"], (server) =>
      this.#departure(server, client, concerned.name, reason),
    );
    this.#announce("client_disconnect", `$SYS.SERVER.${serverId}.CLIENT.AUTH.ERR`, (server) =>
      this.#departure(server, client, client.account.name, reason),
    );
  }

  onConnectionCount(account: Account): void {
    this.#heartbeats.onConnectionCount(account);
  }

  /** Somebody asks at `reply`, a text, how many connections an account has. */
  tellConnectionCount(account: Account, reply: string): void {
    this.#heartbeats.tellTo(account, reply);
  }

  onReject(kind: string, peer: CertificateInfo, reason: string): void {
    const subject = `$SYS.SERVER.${this.#broker.serverId}.OCSP.PEER.CONN.REJECT`;
    this.#announce("ocsp_peer_reject", subject, (server) => ({ kind, peer: shown(peer), server, reason }));
  }

  onInvalidLink(peer: CertificateInfo, link: CertificateInfo, reason: string): void {
    const subject = `$SYS.SERVER.${this.#broker.serverId}.OCSP.PEER.LINK.INVALID`;
    this.#announce("ocsp_peer_link_invalid", subject, (server) => ({
      link: shown(link),
      peer: shown(peer),
      server,
      reason,
    }));
  }

  #announce(type: string, subject: string, body: (server: ServerInfo) => object): void {
    this.#announcer.announce(this.#broker.systemAccount, type, [subject], body);
  }

  /** The one whose service decides who gets in, or else where strangers are. */
  #accountConcerned({ account }: Client): Account {
    const callout = this.#broker.options.authorization.auth_callout;
    return (callout === null ? undefined : this.#broker.accounts.get(callout.account)) ?? account;
  }

  #departure(server: ServerInfo, client: Client, account: string, reason: CloseReason | null): object {
    return {
      server,
      client: eventClient(client, account, this.#broker.clock.nowMs()),
      sent: { msgs: client.inMessages, bytes: client.inBytes },
      received: { msgs: client.outbound.messageCount, bytes: client.outbound.payloadBytes },
      reason: reason === null ? "" : CLOSE_REASONS[reason],
    };
  }
}

function shown({ subject, issuer, fingerprint, raw }: CertificateInfo): object {
  return { subject, issuer, fingerprint, raw: Buffer.from(raw).toString("base64") };
}
