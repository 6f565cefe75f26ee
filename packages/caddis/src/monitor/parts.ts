import type { HttpAnswer } from "../io/http.ts";
import { gatewayz } from "../system/views/gatewayz.ts";
import { ipqueuesz } from "../system/views/ipqueuesz.ts";
import { jsz, type JszQuery } from "../system/views/jsz.ts";
import { leafz } from "../system/views/leafz.ts";
import { raftz } from "../system/views/raftz.ts";
import { routez } from "../system/views/routez.ts";
import { badRequest, missing, viewAnswer } from "./answers.ts";
import type { Monitored } from "./endpoint.ts";
import type { Query } from "./query.ts";
import { decodeSubs } from "./subs-parameter.ts";

/**
 * Endpoints of single parts. Those of parts that are not built yet answer what the reference says where these are not
 * configured, and they refuse what it refuses. Parameters are read in its order: the first that can't be read is the one complained of.
 */

export function answerRoutez({ server }: Monitored, query: Query): HttpAnswer {
  decodeSubs(query);
  return unlessUnreadable(query, () => routez(server.broker));
}

export function answerGatewayz({ server }: Monitored, query: Query): HttpAnswer {
  decodeSubs(query);
  query.boolean("accs");
  return unlessUnreadable(query, () => gatewayz(server.broker));
}

export function answerLeafz({ server }: Monitored, query: Query): HttpAnswer {
  query.boolean("subs");
  return unlessUnreadable(query, () => leafz(server.broker));
}

export function answerJsz({ server }: Monitored, query: Query): HttpAnswer | Promise<HttpAnswer> {
  const asked: JszQuery = {
    accounts: query.boolean("accounts"),
    streams: query.boolean("streams"),
    consumers: query.boolean("consumers"),
    directConsumers: query.boolean("direct-consumers"),
    config: query.boolean("config"),
    offset: query.int("offset"),
    limit: query.int("limit"),
    leaderOnly: query.boolean("leader-only"),
    raft: query.boolean("raft"),
    account: query.text("acc"),
  };
  query.boolean("stream-leader-only");
  if (query.problem !== null) return badRequest(query.problem);
  const view = jsz(server.broker, server.jetStream ?? null, asked);
  return view instanceof Promise ? view.then(viewAnswer) : viewAnswer(view);
}

export function answerIpqueuesz(_monitored: Monitored, query: Query): HttpAnswer {
  query.boolean("all");
  return unlessUnreadable(query, ipqueuesz);
}

export function answerRaftz(): HttpAnswer {
  return missing(raftz().problem);
}

function unlessUnreadable(query: Query, view: () => object | { readonly problem: string }): HttpAnswer {
  return query.problem === null ? viewAnswer(view()) : badRequest(query.problem);
}
