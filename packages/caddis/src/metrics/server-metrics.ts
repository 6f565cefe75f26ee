import type { Steps } from "../base/steps.ts";
import type { Broker } from "../broker/broker.ts";
import type { Resources } from "../io/resources.ts";
import type { JetStream } from "../jetstream/jetstream.ts";
import { checkedJetStream, healthz } from "../system/views/healthz.ts";
import { leafz } from "../system/views/leafz.ts";
import { routez } from "../system/views/routez.ts";
import { subsz } from "../system/views/subsz.ts";
import { AccountFigures } from "./accounts.ts";
import { connectionSums, connzFamilies } from "./connections.ts";
import { viewFamilies } from "./exporter-names.ts";
import { type Family, gauge, type Labels, type NumberFamily } from "./family.ts";
import { jetStreamFamilies } from "./jetstream.ts";
import { JetStreamOwnFigures } from "./jetstream-own.ts";
import { Latencies } from "./latencies.ts";
import { ownFamilies } from "./own-families.ts";
import { Tally } from "./tally.ts";

/** What figures are taken from. */
export interface MeasuredServer {
  readonly broker: Broker;
  readonly resources: Resources;
  /** False while it starts or sends its clients away. */
  readonly takesConnections: boolean;
  /** Null or absent: there is none. */
  readonly jetStream?: JetStream | null;
}

/** The health, as the endpoint tells it to whoever asks for nothing in particular. */
const ANY_HEALTH = { account: "", stream: "", consumer: "", details: false };

/** Interest in all accounts, without a list. */
const ANY_INTEREST = { subscriptions: false, offset: 0, limit: 0, account: "", test: "" };

/** The figures of one server. */
export class ServerMetrics {
  readonly #server: MeasuredServer;
  readonly #accounts: AccountFigures;
  readonly #tally = new Tally();
  readonly #jetStream = new JetStreamOwnFigures();

  constructor(server: MeasuredServer) {
    const { broker } = server;
    this.#server = server;
    this.#accounts = new AccountFigures(broker);
    broker.events.add(this.#tally);
  }

  /** All figures as they are now, bit by bit; `varz`: the answer of /varz. From the first time on durations are measured. */
  *families(varz: object): Steps<Family[]> {
    const { broker, resources } = this.#server;
    const latencies = Latencies.of(broker);
    const prefix = broker.options.metrics_prefix;
    const labels = { server_id: broker.serverName };
    const sums = yield* connectionSums(broker);
    const accounts = yield* this.#accounts.families(prefix, labels);
    const { jetStream = null } = this.#server;
    const jetStreams = yield* jetStreamFamilies(jetStream, prefix, labels);
    return [
      ...viewFamilies(prefix, "varz", labels, varz),
      ...connzFamilies(prefix, labels, sums),
      ...viewFamilies(prefix, "subsz", labels, subsz(broker, ANY_INTEREST)),
      ...viewFamilies(prefix, "routez", labels, routez(broker)),
      ...this.#healthFamilies(prefix, labels),
      gauge(`${prefix}_leafz_conn_nodes_total`, "Leaf nodes", labels, leafz(broker).leafnodes),
      ...accounts,
      ...jetStreams,
      ...this.#jetStream.families(jetStream, labels),
      ...ownFamilies({ broker, resources, sums, tally: this.#tally, latencies, labels }),
    ];
  }

  /** As the exporter has it: 0 is well in the one, 1 in the other. */
  #healthFamilies(prefix: string, labels: Labels): NumberFamily[] {
    const { status } = healthz(
      this.#server.takesConnections,
      ANY_HEALTH,
      checkedJetStream(this.#server),
    ).body;
    const isWell = status === "ok";
    return [
      gauge(`${prefix}_healthz_status`, "0 when the server is healthy", labels, isWell ? 0 : 1),
      gauge(`${prefix}_healthz_status_value`, "1 when healthy", { ...labels, value: status }, isWell ? 1 : 0),
    ];
  }
}
