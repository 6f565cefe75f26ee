import { formatInstant, GO_ZERO_TIME, type Instant, instantOf } from "../base/instant.ts";
import type { Account } from "../broker/account.ts";
import { goJson } from "../broker/go-json.ts";
import { makeMessage } from "../broker/message.ts";
import { randomName } from "../broker/random-name.ts";
import type { RequestInfo } from "../broker/request-info.ts";
import { fromWireString } from "../subject/subject.ts";

const SUBJECTS = "$JS.EVENT.ADVISORY";
const METRIC_SUBJECTS = "$JS.EVENT.METRIC";
const TYPES = "io.nats.jetstream.advisory.v1";
const METRIC_TYPES = "io.nats.jetstream.metric.v1";
/** Ids of events are as long as those of the reference's. */
const ID_LENGTH = 22;

/** Fields behind `type`, `id` and `timestamp`, in the reference's order; undefined ones are left out. */
type EventFields = Readonly<Record<string, unknown>>;

/** Which message was delivered how often; sequences as the consumer counts and as the stream does. */
export interface DeliveryFacts {
  readonly consumerSeq: number;
  readonly streamSeq: number;
  readonly deliveries: number;
}

/** Why a batch came to nothing. */
export type BatchAbandonReason = "timeout" | "large" | "incomplete" | "unsupported";

/**
 * Tells the clients of an account what happens to its streams and consumers, with the reference's subjects and
 * fields. Nothing is made of an event that nobody listens to. Names are wire strings.
 */
export class Advisories {
  readonly #account: Account;
  readonly #domain: () => string;

  /** `domain`: that of JetStream as it is configured now; empty: none. */
  constructor(account: Account, domain: () => string) {
    this.#account = account;
    this.#domain = domain;
  }

  /** A request to the API was answered; both as they were, and who asked. */
  apiAudit(subject: string, client: RequestInfo | null, request: string, response: string): void {
    this.#tell("API", "api_audit", () => ({
      server: this.#account.broker.serverName,
      client: shownClient(client),
      subject: fromWireString(subject),
      request: request || undefined,
      response,
    }));
  }

  streamCreated(stream: string): void {
    this.#streamAction("CREATED", stream, "create");
  }

  streamUpdated(stream: string): void {
    this.#streamAction("UPDATED", stream, "modify");
  }

  streamDeleted(stream: string): void {
    this.#streamAction("DELETED", stream, "delete");
  }

  /** The servers hear of it as well. */
  batchAbandoned(stream: string, batch: string, reason: BatchAbandonReason): void {
    const fields = (account: string | undefined): EventFields => ({
      account,
      stream: fromWireString(stream),
      ...this.#domainField(),
      batch: fromWireString(batch),
      reason,
    });
    const { systemAccount } = this.#account.broker;
    const subject = `${SUBJECTS}.STREAM.BATCH_ABANDONED.${stream}`;
    const type = `${TYPES}.stream_batch_abandoned`;
    if (this.#account !== systemAccount) publish(this.#account, subject, type, () => fields(undefined));
    if (systemAccount !== null) publish(systemAccount, subject, type, () => fields(this.#account.name));
  }

  /** `state` is the stream's as its JSON has it. */
  snapshotCreated(stream: string, state: unknown, client: RequestInfo | null): void {
    this.#tell(`STREAM.SNAPSHOT_CREATE.${stream}`, "snapshot_create", () => ({
      stream: fromWireString(stream),
      state,
      client: shownClient(client),
    }));
  }

  /** `error` empty: it went well. */
  snapshotCompleted(
    stream: string,
    start: Instant,
    end: Instant,
    client: RequestInfo | null,
    error: string,
  ): void {
    publish(
      this.#account,
      `${SUBJECTS}.STREAM.SNAPSHOT_COMPLETE.${stream}`,
      `${TYPES}.snapshot_complete`,
      () => ({
        stream: fromWireString(stream),
        start: formatInstant(start),
        end: formatInstant(end),
        client: shownClient(client),
        ...this.#domainField(),
        error: error || undefined,
      }),
    );
  }

  restoreCreated(stream: string, client: RequestInfo | null): void {
    this.#tell(`STREAM.RESTORE_CREATE.${stream}`, "restore_create", () => ({
      stream: fromWireString(stream),
      client: shownClient(client),
    }));
  }

  restoreCompleted(
    stream: string,
    start: Instant,
    end: Instant,
    bytes: number,
    client: RequestInfo | null,
  ): void {
    this.#tell(`STREAM.RESTORE_COMPLETE.${stream}`, "restore_complete", () => ({
      stream: fromWireString(stream),
      start: formatInstant(start),
      end: formatInstant(end),
      bytes,
      client: shownClient(client),
    }));
  }

  consumerCreated(stream: string, consumer: string): void {
    this.#consumerEvent("CREATED", "consumer_action", stream, consumer, { action: "create" });
  }

  consumerDeleted(stream: string, consumer: string): void {
    this.#consumerEvent("DELETED", "consumer_action", stream, consumer, { action: "delete" });
  }

  /** A consumer was paused, or resumed; `until` null: it never was paused. */
  consumerPaused(stream: string, consumer: string, isPaused: boolean, until: Instant | null): void {
    this.#consumerEvent("PAUSE", "consumer_pause", stream, consumer, {
      paused: isPaused,
      pause_until: until === null ? GO_ZERO_TIME : formatInstant(until),
    });
  }

  /** A client now gets the messages of a group alone. */
  groupPinned(stream: string, consumer: string, group: string, pinnedId: string): void {
    this.#groupEvent("PINNED", "consumer_group_pinned", stream, consumer, group, { pinned_id: pinnedId });
  }

  groupUnpinned(stream: string, consumer: string, group: string, reason: "admin" | "timeout"): void {
    this.#groupEvent("UNPINNED", "consumer_group_unpinned", stream, consumer, group, { reason });
  }

  /** A message was delivered as often as it may be, and given up. */
  maxDeliveries(stream: string, consumer: string, streamSeq: number, deliveries: number): void {
    this.#consumerEvent("MAX_DELIVERIES", "max_deliver", stream, consumer, {
      stream_seq: streamSeq,
      deliveries,
    });
  }

  messageNaked(stream: string, consumer: string, facts: DeliveryFacts): void {
    this.#consumerEvent("MSG_NAKED", "nak", stream, consumer, deliveryFields(facts));
  }

  /** `reason` empty: none was given. */
  messageTerminated(stream: string, consumer: string, facts: DeliveryFacts, reason: string): void {
    this.#consumerEvent("MSG_TERMINATED", "terminated", stream, consumer, {
      ...deliveryFields(facts),
      reason: reason || undefined,
    });
  }

  /** A sampled acknowledgement, and how long after the delivery it came, in nanoseconds. */
  ackSampled(stream: string, consumer: string, facts: DeliveryFacts, delayNs: number): void {
    const { consumerSeq, streamSeq, deliveries } = facts;
    const subject = `${METRIC_SUBJECTS}.CONSUMER.ACK.${stream}.${consumer}`;
    publish(this.#account, subject, `${METRIC_TYPES}.consumer_ack`, () => ({
      stream: fromWireString(stream),
      consumer: fromWireString(consumer),
      consumer_seq: consumerSeq,
      stream_seq: streamSeq,
      ack_time: delayNs,
      deliveries,
      ...this.#domainField(),
    }));
  }

  #streamAction(what: string, stream: string, action: string): void {
    this.#tell(`STREAM.${what}.${stream}`, "stream_action", () => ({
      stream: fromWireString(stream),
      action,
    }));
  }

  #consumerEvent(what: string, type: string, stream: string, consumer: string, fields: EventFields): void {
    this.#tell(`CONSUMER.${what}.${stream}.${consumer}`, type, () => ({
      stream: fromWireString(stream),
      consumer: fromWireString(consumer),
      ...fields,
    }));
  }

  #groupEvent(
    what: string,
    type: string,
    stream: string,
    consumer: string,
    group: string,
    fields: EventFields,
  ): void {
    const subject = `${SUBJECTS}.CONSUMER.${what}.${stream}.${consumer}`;
    publish(this.#account, subject, `${TYPES}.${type}`, () => ({
      account: this.#account.name,
      stream: fromWireString(stream),
      consumer: fromWireString(consumer),
      ...this.#domainField(),
      group,
      ...fields,
    }));
  }

  /** Most events end with the domain. */
  #tell(subject: string, type: string, fields: () => EventFields): void {
    publish(this.#account, `${SUBJECTS}.${subject}`, `${TYPES}.${type}`, () => ({
      ...fields(),
      ...this.#domainField(),
    }));
  }

  #domainField(): EventFields {
    return { domain: this.#domain() || undefined };
  }
}

/** More requests to the API came than are let wait, and `dropped` of them were. Told to the servers. */
export function tellApiLimitReached(system: Account, domain: string, dropped: number): void {
  const subject = `${SUBJECTS}.API.LIMIT_REACHED`;
  publish(system, subject, `${TYPES}.api_limit_reached`, () => ({
    server: system.broker.serverName,
    domain: domain || undefined,
    dropped,
  }));
}

/** There is no room to store more. Told to the servers; `stream`: the one that found out, empty: none. */
export function tellOutOfStorage(system: Account, domain: string, stream: string): void {
  const { serverName, serverId } = system.broker;
  publish(system, `${SUBJECTS}.SERVER.OUT_OF_STORAGE`, `${TYPES}.server_out_of_space`, () => ({
    server: serverName,
    server_id: serverId,
    stream: fromWireString(stream) || undefined,
    cluster: "",
    domain: domain || undefined,
  }));
}

function publish(account: Account, subject: string, type: string, fields: () => EventFields): void {
  if (account.sublist.matchApart(subject).isEmpty) return;
  const { broker } = account;
  const event = {
    type,
    id: randomName(broker.random, ID_LENGTH),
    timestamp: formatInstant(instantOf(broker.clock.nowMs())),
    ...fields(),
  };
  account.publish(makeMessage(subject, "", "", Buffer.from(goJson(event), "utf8")));
}

function deliveryFields({ consumerSeq, streamSeq, deliveries }: DeliveryFacts): EventFields {
  return { consumer_seq: consumerSeq, stream_seq: streamSeq, deliveries };
}

/** Who asked, without what is to stay between it and the server. */
function shownClient(client: RequestInfo | null): RequestInfo | null {
  return client === null ? null : { ...client, jwt: undefined };
}
