import { inTurns } from "../base/steps.ts";
import type { HttpAnswer, HttpRequest } from "../io/http.ts";
import { acceptedFormat } from "../metrics/accept.ts";
import type { Monitored } from "./endpoint.ts";
import type { Query } from "./query.ts";
import { varzOf } from "./varz-of.ts";

/** All figures for Prometheus and whoever reads its formats. What writes them is loaded when somebody asks. */
export async function answerMetrics(
  monitored: Monitored,
  _query: Query,
  { accept = "" }: HttpRequest,
): Promise<HttpAnswer> {
  const { server, metrics } = monitored;
  const steps = metrics.families(varzOf(monitored));
  const families = await inTurns(steps, (run) => server.broker.clock.nextTurn(run));
  const { expose } = await import("../metrics/exposition.ts");
  const { contentType, body } = await expose(families, acceptedFormat(accept));
  return { status: 200, headers: { "Content-Type": contentType }, body: [body] };
}
