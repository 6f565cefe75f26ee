import type { HttpAnswer } from "../io/http.ts";
import { inTurns } from "../base/steps.ts";
import { accountz } from "../system/views/accountz.ts";
import { accstatz } from "../system/views/accstatz.ts";
import { connzSteps, type ConnzQuery } from "../system/views/connz.ts";
import { subsz } from "../system/views/subsz.ts";
import { badRequest, jsonAnswer, viewAnswer } from "./answers.ts";
import type { Endpoint, Monitored } from "./endpoint.ts";
import { answerExplainz } from "./explain.ts";
import {
  answerGatewayz,
  answerIpqueuesz,
  answerJsz,
  answerLeafz,
  answerRaftz,
  answerRoutez,
} from "./parts.ts";
import { answerHealthz, answerLivez, answerReadyz, answerStartupz } from "./probes.ts";
import { answerMetrics } from "./metrics.ts";
import type { Query } from "./query.ts";
import { answerExpvarz, answerStacksz } from "./runtime.ts";
import { decodeSubs } from "./subs-parameter.ts";
import { varzOf } from "./varz-of.ts";

export const ENDPOINTS: readonly Endpoint[] = [
  { path: "/varz", title: "General", counted: "all", answer: answerVarz },
  { path: "/jsz", title: "JetStream", counted: "all", answer: answerJsz },
  { path: "/connz", title: "Connections", counted: "readable", answer: answerConnz },
  { path: "/accountz", title: "Accounts", counted: "all", answer: answerAccountz },
  { path: "/accstatz", title: "Account Statistics", counted: "all", answer: answerAccstatz },
  { path: "/subsz", title: "Subscriptions", counted: "all", answer: answerSubsz },
  { path: "/routez", title: "Routes", counted: "readable", answer: answerRoutez },
  { path: "/leafz", title: "Leaf Nodes", counted: "all", answer: answerLeafz },
  { path: "/gatewayz", title: "Gateways", counted: "all", answer: answerGatewayz },
  { path: "/raftz", title: "Raft Groups", counted: "none", answer: answerRaftz },
  { path: "/ipqueuesz", title: "Internal Queues", counted: "none", answer: answerIpqueuesz },
  { path: "/healthz", title: "Health Probe", counted: "all", answer: answerHealthz },
  { path: "/startupz", title: "Startup Probe", counted: "all", answer: answerStartupz },
  { path: "/readyz", title: "Readiness Probe", counted: "all", answer: answerReadyz },
  { path: "/livez", title: "Liveness Probe", counted: "all", answer: answerLivez },
  { path: "/explainz", title: "Explanations", counted: "all", answer: answerExplainz },
  { path: "/metrics", title: "Metrics", counted: "all", answer: answerMetrics },
  { path: "/stacksz", title: "Activity", counted: "none", answer: answerStacksz },
  { path: "/debug/vars", title: "Memory", counted: "none", answer: answerExpvarz },
];

/** Other names of endpoints. */
export const ALIASES: ReadonlyMap<string, string> = new Map([["/subscriptionsz", "/subsz"]]);

const STATES: ReadonlyMap<string, ConnzQuery["state"]> = new Map([
  ["open", "open"],
  ["closed", "closed"],
  ["any", "all"],
  ["all", "all"],
]);

function answerVarz(monitored: Monitored): HttpAnswer {
  return jsonAnswer(varzOf(monitored));
}

function answerConnz({ server: { broker } }: Monitored, query: Query): HttpAnswer | Promise<HttpAnswer> {
  const asked: ConnzQuery = {
    auth: query.boolean("auth"),
    subscriptions: decodeSubs(query),
    offset: query.int("offset"),
    limit: query.int("limit"),
    cid: query.uint("cid"),
    state: query.choice("state", STATES, "open"),
    sort: query.text("sort"),
    user: query.text("user"),
    account: query.text("acc"),
    mqttClient: query.text("mqtt_client"),
    // Only requests by the system account have one.
    filterSubject: "",
  };
  if (query.problem !== null) return badRequest(query.problem);
  const view = inTurns(connzSteps(broker, asked), (run) => broker.clock.nextTurn(run));
  return view instanceof Promise ? view.then(viewAnswer) : viewAnswer(view);
}

function answerSubsz({ server }: Monitored, query: Query): HttpAnswer {
  const asked = {
    subscriptions: query.boolean("subs"),
    offset: query.int("offset"),
    limit: query.int("limit"),
    account: query.text("acc"),
    test: query.text("test"),
  };
  if (query.problem !== null) return badRequest(query.problem);
  return viewAnswer(subsz(server.broker, asked));
}

function answerAccountz({ server }: Monitored, query: Query): HttpAnswer {
  return viewAnswer(accountz(server.broker, query.text("acc")));
}

function answerAccstatz({ server }: Monitored, query: Query): HttpAnswer {
  const withUnused = query.boolean("unused");
  return query.problem === null ? jsonAnswer(accstatz(server.broker, withUnused)) : badRequest(query.problem);
}
