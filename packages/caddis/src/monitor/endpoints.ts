import { goQuote } from "../base/go-quote.ts";
import type { HttpAnswer } from "../io/http.ts";
import type { Resources } from "../io/resources.ts";
import { connz, type ConnzQuery } from "../system/views/connz.ts";
import { healthz } from "../system/views/healthz.ts";
import { subsz } from "../system/views/subsz.ts";
import { varz, type VarzSource } from "../system/views/varz.ts";
import { badRequest, jsonAnswer, jsonLineAnswer } from "./answers.ts";
import type { Query } from "./query.ts";

/** What monitoring needs of a server. */
export interface MonitoredServer extends Omit<VarzSource, "httpRequests" | "usage"> {
  readonly resources: Resources;
  /** False while it starts or sends its clients away. */
  readonly takesConnections: boolean;
}

/** Everything an endpoint can tell about. */
export interface Monitored {
  readonly server: MonitoredServer;
  readonly httpRequests: ReadonlyMap<string, number>;
}

/** Something to ask for. */
export interface Endpoint {
  readonly path: string;
  /** For the index page. */
  readonly title: string;
  readonly answer: (monitored: Monitored, query: Query) => HttpAnswer;
}

export const ENDPOINTS: readonly Endpoint[] = [
  { path: "/varz", title: "General", answer: answerVarz },
  { path: "/connz", title: "Connections", answer: answerConnz },
  { path: "/subsz", title: "Subscriptions", answer: answerSubsz },
  { path: "/healthz", title: "Health Probe", answer: answerHealthz },
];

/** Other names of endpoints. */
export const ALIASES: ReadonlyMap<string, string> = new Map([["/subscriptionsz", "/subsz"]]);

/** Endpoints of the reference that stand for parts which are not built yet. */
export const UNBUILT: ReadonlyMap<string, string> = new Map([
  ["/routez", "clustering"],
  ["/gatewayz", "gateways"],
  ["/leafz", "leafnodes"],
  ["/jsz", "JetStream"],
  ["/raftz", "JetStream"],
  ["/accountz", "accounts"],
  ["/accstatz", "accounts"],
  ["/ipqueuesz", "internal queues"],
  ["/stacksz", "stack dumps"],
  ["/debug/vars", "runtime variables"],
]);

const STATES: ReadonlyMap<string, ConnzQuery["state"]> = new Map([
  ["open", "open"],
  ["closed", "closed"],
  ["any", "all"],
  ["all", "all"],
]);

function answerVarz({ server, httpRequests }: Monitored): HttpAnswer {
  const { broker, resources, startMs, configLoadMs, configDigest } = server;
  const usage = {
    residentBytes: resources.residentBytes(),
    cpuPercent: resources.cpuPercent(),
    coreCount: resources.coreCount,
  };
  return jsonAnswer(varz({ broker, usage, startMs, configLoadMs, configDigest, httpRequests }));
}

function answerConnz({ server }: Monitored, query: Query): HttpAnswer {
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
  };
  if (query.problem !== null) return badRequest(query.problem);
  return viewAnswer(connz(server.broker, asked));
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

function answerHealthz({ server }: Monitored, query: Query): HttpAnswer {
  // They choose among checks of JetStream, which is not configured: no choice changes the answer.
  for (const name of ["js-enabled", "js-enabled-only", "js-server-only", "js-meta-only"]) query.boolean(name);
  const asked = {
    account: query.text("account"),
    stream: query.text("stream"),
    consumer: query.text("consumer"),
    details: query.boolean("details"),
  };
  if (query.problem !== null) return badRequest(query.problem);
  const { httpStatus, body } = healthz(server.takesConnections, asked);
  if (body.status === "error") {
    const what = body.error === undefined ? `${body.errors?.length} errors` : goQuote(body.error);
    server.broker.log.warn(`Healthcheck failed: ${what}`);
  }
  return jsonLineAnswer(httpStatus, body);
}

function decodeSubs(query: Query): ConnzQuery["subscriptions"] {
  if (query.text("subs").toLowerCase() === "detail") return "detail";
  return query.boolean("subs") ? "subjects" : "none";
}

function viewAnswer(view: object | { readonly problem: string }): HttpAnswer {
  return "problem" in view ? badRequest(view.problem) : jsonAnswer(view);
}
