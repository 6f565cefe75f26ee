import { goQuote } from "../base/go-quote.ts";
import type { HttpAnswer } from "../io/http.ts";
import { checkedJetStream, checksOf, healthz } from "../system/views/healthz.ts";
import { badRequest, jsonLineAnswer } from "./answers.ts";
import type { Monitored } from "./endpoint.ts";
import type { Query } from "./query.ts";

/**
 * What supervisors ask. /healthz is the reference's. The other three are our own and for Kubernetes, which restarts
 * what is not alive: a restart helps against nothing that the state of a stream, an account or a peer could show, and
 * so no such thing counts there.
 */

const OK = { status: "ok" };

export function answerHealthz({ server }: Monitored, query: Query): HttpAnswer {
  const { log } = server.broker;
  const isEnabledOnly = query.boolean("js-enabled");
  if (isEnabledOnly) log.warn("Healthcheck: js-enabled deprecated, use js-enabled-only instead");
  const checks = checksOf({
    enabledOnly: query.boolean("js-enabled-only") || isEnabledOnly,
    serverOnly: query.boolean("js-server-only"),
  });
  query.boolean("js-meta-only");
  const asked = {
    account: query.text("account"),
    stream: query.text("stream"),
    consumer: query.text("consumer"),
    details: query.boolean("details"),
    ...checks,
  };
  if (query.problem !== null) return badRequest(query.problem);
  const { httpStatus, body } = healthz(server.takesConnections, asked, checkedJetStream(server));
  if (body.status === "error") {
    const what = body.error === undefined ? `${body.errors?.length} errors` : goQuote(body.error);
    log.warn(`Healthcheck failed: ${what}`);
  }
  return jsonLineAnswer(httpStatus, body);
}

/** Whether the process does anything at all: that it answers says so. */
export function answerLivez(): HttpAnswer {
  return jsonLineAnswer(200, OK);
}

/** Whether clients should be sent here: not before it listens, and not while it sends clients away. */
export function answerReadyz({ server }: Monitored): HttpAnswer {
  if (server.takesConnections) return jsonLineAnswer(200, OK);
  return unavailable(server.hasStarted ? "sends its clients away" : "still starting");
}

/** Whether the start is over; stays so. */
export function answerStartupz({ server }: Monitored): HttpAnswer {
  return server.hasStarted ? jsonLineAnswer(200, OK) : unavailable("still starting");
}

function unavailable(error: string): HttpAnswer {
  return jsonLineAnswer(503, { status: "unavailable", error });
}
