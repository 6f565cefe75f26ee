import type { HttpAnswer } from "../io/http.ts";
import { gatewayz } from "../system/views/gatewayz.ts";
import { ipqueuesz } from "../system/views/ipqueuesz.ts";
import { jsz } from "../system/views/jsz.ts";
import { leafz } from "../system/views/leafz.ts";
import { raftz } from "../system/views/raftz.ts";
import { routez } from "../system/views/routez.ts";
import { badRequest, missing, viewAnswer } from "./answers.ts";
import type { Monitored } from "./endpoint.ts";
import type { Query } from "./query.ts";
import { decodeSubs } from "./subs-parameter.ts";

/**
 * Endpoints of parts that are not built yet. They answer what the reference says where these are not configured, and
 * they refuse what it refuses. Parameters are read in its order: the first that can't be read is the one complained of.
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

export function answerJsz({ server }: Monitored, query: Query): HttpAnswer {
  for (const name of ["accounts", "streams", "consumers", "direct-consumers", "config"]) query.boolean(name);
  for (const name of ["offset", "limit"]) query.int(name);
  const leaderOnly = query.boolean("leader-only");
  for (const name of ["raft", "stream-leader-only"]) query.boolean(name);
  return unlessUnreadable(query, () => jsz(server.broker, { leaderOnly }));
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
