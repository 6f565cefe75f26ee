import { goQuote } from "../../base/go-quote.ts";
import { inTurns } from "../../base/steps.ts";
import type { Broker } from "../../broker/broker.ts";
import { accountz } from "../views/accountz.ts";
import { connzSteps, type ConnzQuery } from "../views/connz.ts";
import { expvarz } from "../views/expvarz.ts";
import { gatewayz } from "../views/gatewayz.ts";
import { checkedJetStream, checksOf, healthz } from "../views/healthz.ts";
import { ipqueuesz } from "../views/ipqueuesz.ts";
import { jsz, type JszQuery } from "../views/jsz.ts";
import { leafz } from "../views/leafz.ts";
import { routez } from "../views/routez.ts";
import { subsz, type SubszQuery } from "../views/subsz.ts";
import { varz } from "../views/varz.ts";
import type { RequestBody } from "./request-body.ts";
import { type RequestedServer, usageOf } from "./requested-server.ts";

/**
 * What a question about a server comes to: the `data` of the answer, a `Problem`, or null where nothing is to be
 * said; a promise, which never rejects, where that takes more than one turn. Options are read before it returns, and
 * what it makes of a body with a problem is not used.
 */
export type Answer = object | null | Promise<object>;

export type Question = (server: RequestedServer, body: RequestBody) => Answer;

/** Questions that `$SYS.REQ.SERVER.<id>.X` and `$SYS.REQ.SERVER.PING.X` ask, by their last token. */
export const SERVER_QUESTIONS: ReadonlyMap<string, Question> = new Map<string, Question>([
  ["VARZ", (server) => varz({ ...varzSource(server), usage: usageOf(server) })],
  ["SUBSZ", ({ broker }, body) => subsz(broker, subszQuery(body))],
  ["CONNZ", ({ broker }, body) => connzInTurns(broker, connzQuery(body))],
  ["ROUTEZ", ({ broker }) => routez(broker)],
  ["GATEWAYZ", ({ broker }) => gatewayz(broker)],
  ["LEAFZ", ({ broker }) => leafz(broker)],
  ["ACCOUNTZ", ({ broker }, body) => accountz(broker, body.text("account"))],
  ["JSZ", answerJsz],
  ["HEALTHZ", answerHealthz],
  ["PROFILEZ", (_server, body) => answerProfilez(body)],
  ["EXPVARZ", answerExpvarz],
  ["IPQUEUESZ", ipqueuesz],
  // Nothing is replicated.
  ["RAFTZ", () => ({})],
]);

/** As /connz, with time for others in between. */
export function connzInTurns(broker: Broker, query: ConnzQuery): object | Promise<object> {
  return inTurns(connzSteps(broker, query), (run) => broker.clock.nextTurn(run));
}

/** The members that the view wants, which are getters on some servers. */
function varzSource(server: RequestedServer): Omit<Parameters<typeof varz>[0], "usage"> {
  const { broker, startMs, configLoadMs, configDigest, ocspCache, jetStream = null, httpRequests } = server;
  return { broker, startMs, configLoadMs, configDigest, ocspCache, jetStream, httpRequests };
}

/** As in the reference's options for /subsz. */
export function subszQuery(body: RequestBody): SubszQuery {
  return {
    subscriptions: body.flag("subscriptions"),
    offset: body.int("offset"),
    limit: body.int("limit"),
    account: body.text("account"),
    test: body.text("test"),
  };
}

/** By number. */
const CONNECTION_STATES: readonly ConnzQuery["state"][] = ["open", "closed", "all"];

/** As in the reference's options for /connz. */
export function connzQuery(body: RequestBody): ConnzQuery {
  const state = CONNECTION_STATES.at(body.uint("state"));
  if (state === undefined) body.fault ??= "state must be 0 for open, 1 for closed or 2 for all";
  const withSubjects = body.flag("subscriptions");
  const withDetail = body.flag("subscriptions_detail");
  return {
    sort: body.text("sort"),
    auth: body.flag("auth"),
    subscriptions: withDetail ? "detail" : withSubjects ? "subjects" : "none",
    offset: body.int("offset"),
    limit: body.int("limit"),
    cid: body.uint("cid"),
    mqttClient: body.text("mqtt_client"),
    state: state ?? "open",
    user: body.text("user"),
    account: body.text("acc"),
    filterSubject: body.text("filter_subject"),
  };
}

/** Who does not lead JetStream leaves the answer to who does. */
function answerJsz({ broker, jetStream = null }: RequestedServer, body: RequestBody): Answer {
  const query = jszQuery(body);
  return jetStream === null && query.leaderOnly ? null : jsz(broker, jetStream, query);
}

/** As in the reference's options for /jsz. */
export function jszQuery(body: RequestBody): JszQuery {
  body.flag("stream_leader_only");
  return {
    account: body.text("account"),
    accounts: body.flag("accounts"),
    streams: body.flag("streams"),
    consumers: body.flag("consumer"),
    directConsumers: body.flag("direct_consumer"),
    config: body.flag("config"),
    leaderOnly: body.flag("leader_only"),
    offset: body.int("offset"),
    limit: body.int("limit"),
    raft: body.flag("raft"),
  };
}

function answerHealthz(server: RequestedServer, body: RequestBody): object {
  const isEnabledOnly = body.flag("js-enabled");
  const checks = checksOf({
    enabledOnly: body.flag("js-enabled-only") || isEnabledOnly,
    serverOnly: body.flag("js-server-only"),
  });
  body.flag("js-meta-only");
  const query = {
    account: body.text("account"),
    stream: body.text("stream"),
    consumer: body.text("consumer"),
    details: body.flag("details"),
    ...checks,
  };
  const { httpStatus, body: health } = healthz(server.takesConnections, query, checkedJetStream(server));
  const { status, ...rest } = health;
  return { status, status_code: httpStatus, ...rest };
}

/** Profiles are those of Go's runtime, and there are none here: that is said where the reference says such things. */
function answerProfilez(body: RequestBody): object {
  const name = body.text("name");
  body.int("debug");
  body.int("duration");
  const error = name === "" ? "Profile name not specified" : `Profile ${goQuote(name)} not found`;
  return { profile: null, error };
}

/** The two variables in the other order than over HTTP. */
function answerExpvarz({ resources }: RequestedServer): object {
  const { memstats, cmdline } = expvarz(resources);
  return { memstats, cmdline };
}
