import { goQuote } from "../../base/go-quote.ts";
import type { Broker } from "../../broker/broker.ts";
import type { JetStreamAccount } from "../../jetstream/account.ts";
import type { JetStream } from "../../jetstream/jetstream.ts";
import type { Stream } from "../../jetstream/stream.ts";
import { fromWireString, toWireString } from "../../subject/subject.ts";

/** What is asked of /healthz. Empty strings ask for nothing in particular. */
export interface HealthzQuery {
  readonly account: string;
  readonly stream: string;
  readonly consumer: string;
  /** Whether what is wrong is listed with its kind rather than told in one text. */
  readonly details: boolean;
  /** Of JetStream, only whether it is there (`js-enabled-only`), or nothing at all (`js-server-only`); absent: streams, too. */
  readonly checks?: "server" | "enabled";
}

/** How it stands with JetStream: null: it is not wanted; `missing`: it is, and is not there. */
export type CheckedJetStream = JetStream | "missing" | null;

/** What is wrong, with `details`. */
export interface HealthzError {
  readonly type: "CONNECTION" | "BAD_REQUEST" | "JETSTREAM" | "ACCOUNT" | "STREAM" | "CONSUMER";
  readonly account?: string;
  readonly stream?: string;
  readonly consumer?: string;
  readonly error: string;
}

/** The answer of /healthz and the HTTP status that goes with it. */
export interface Healthz {
  readonly httpStatus: 200 | 400 | 404 | 500 | 503;
  readonly body: {
    readonly status: "ok" | "error" | "unavailable";
    readonly error?: string;
    readonly errors?: readonly HealthzError[];
  };
}

/** The parameters that choose among checks; the one for fewer counts. */
export function checksOf(asked: {
  readonly enabledOnly: boolean;
  readonly serverOnly: boolean;
}): Pick<HealthzQuery, "checks"> {
  if (asked.serverOnly) return { checks: "server" };
  return asked.enabledOnly ? { checks: "enabled" } : {};
}

/** JetStream of a server, as it is to be checked. */
export function checkedJetStream({
  broker,
  jetStream = null,
}: {
  readonly broker: Broker;
  readonly jetStream?: JetStream | null;
}): CheckedJetStream {
  return broker.options.jetstream.enabled ? (jetStream ?? "missing") : null;
}

const WELL: Healthz = { httpStatus: 200, body: { status: "ok" } };

/**
 * Tells whether the server does its work, in the reference's words. `takesConnections` is false while it starts or
 * sends its clients away.
 */
export function healthz(
  takesConnections: boolean,
  query: HealthzQuery,
  jetStream: CheckedJetStream = null,
): Healthz {
  const { account, stream, consumer } = query;
  const badRequest = (missing: string, checked: string): Healthz => {
    const error = `"${missing}" must not be empty when checking ${checked} health`;
    return answer(query, 400, "error", [{ type: "BAD_REQUEST", error }]);
  };
  if (account === "" && stream !== "") return badRequest("account", "stream");
  if (stream === "" && consumer !== "") return badRequest("stream", "consumer");
  if (!takesConnections) {
    const error = "failed to be ready for connections after 1ms: server";
    return answer(query, 500, "error", [{ type: "CONNECTION", error }]);
  }
  if (query.checks === "server" || jetStream === null) return WELL;
  if (jetStream === "missing") {
    const error = "JetStream not enabled (10076)";
    return answer(query, 503, "unavailable", [{ type: "JETSTREAM", error }]);
  }
  return query.checks === "enabled" ? WELL : checkAssets(jetStream, query);
}

/** What is wrong with streams; with `details` all that is, else the first of it. */
function checkAssets(jetStream: JetStream, query: HealthzQuery): Healthz {
  const { account, stream, consumer } = query;
  if (account !== "" && !jetStream.accounts.has(account)) {
    const error = `JetStream account ${goQuote(account)} not found`;
    return answer(query, 404, "unavailable", [{ type: "ACCOUNT", account, error }]);
  }
  const errors: HealthzError[] = [];
  for (const owner of jetStream.accounts.values()) {
    if (account !== "" && owner.account.name !== account) continue;
    errors.push(...accountErrors(owner, stream));
    if (errors.length > 0 && !query.details) break;
  }
  const absent = account === "" || stream === "" ? null : absentAsset(jetStream, account, stream, consumer);
  if (absent !== null && errors.length === 0) return answer(query, 404, "unavailable", [absent]);
  return errors.length === 0 ? WELL : answer(query, 503, "unavailable", errors);
}

/** Of all streams of an account, or of the one called `only`. */
function* accountErrors(
  { account, damaged, streams }: JetStreamAccount,
  only: string,
): Generator<HealthzError> {
  const wanted = toWireString(only);
  for (const name of damaged.keys()) {
    if (only === "" || name === wanted) yield streamError(account.name, name, "could not be recovered");
  }
  for (const stream of streams.values()) {
    const fault = only === "" || stream.config.name === wanted ? faultOf(stream) : null;
    if (fault !== null) yield streamError(account.name, stream.config.name, `write error: ${fault}`);
  }
}

function faultOf({ store, consumerStore }: Stream): string | null {
  return store.failure?.reason ?? consumerStore.failure;
}

function streamError(account: string, name: string, what: string): HealthzError {
  const stream = fromWireString(name);
  return { type: "STREAM", account, stream, error: `JetStream stream '${account} > ${stream}' ${what}` };
}

/** What was asked for by name and is not there; null: it all is. */
function absentAsset(
  jetStream: JetStream,
  account: string,
  name: string,
  consumer: string,
): HealthzError | null {
  const owner = jetStream.accounts.get(account);
  const stream = owner?.streams.get(toWireString(name));
  if (stream === undefined && owner?.damaged.has(toWireString(name)) !== true) {
    const error = `JetStream stream ${goQuote(name)} not found on account ${goQuote(account)}`;
    return { type: "STREAM", account, stream: name, error };
  }
  if (consumer === "" || stream?.consumers.has(toWireString(consumer)) === true) return null;
  const error = `JetStream consumer ${goQuote(consumer)} not found for stream ${goQuote(name)} on account ${goQuote(account)}`;
  return { type: "CONSUMER", account, stream: name, consumer, error };
}

/** With details the reference knows only `ok` and `error`. */
function answer(
  { details }: HealthzQuery,
  httpStatus: Healthz["httpStatus"],
  status: "error" | "unavailable",
  errors: readonly HealthzError[],
): Healthz {
  return { httpStatus, body: details ? { status: "error", errors } : { status, error: errors[0].error } };
}
