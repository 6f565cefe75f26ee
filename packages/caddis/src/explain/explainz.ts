import { inTurns, type Steps } from "../base/steps.ts";
import { formatTime } from "../system/format.ts";
import { type ConnectionExplanation, explainConnection } from "./connection.ts";
import { counted, type ExplainedServer } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { factsOf, findings } from "./findings.ts";
import { explainStream, type StreamExplanation, type StreamQuery } from "./stream.ts";
import { loopDelay } from "./loop-delay.ts";

/** What is asked of /explainz. */
export interface ExplainzQuery {
  /** 0: the server as a whole. */
  readonly cid: number;
  /** A subscription of that connection; empty: none. */
  readonly sid: string;
  /** A stream or consumer; null: none. */
  readonly about?: StreamQuery | null;
}

/** The answer about the server. */
export interface ServerExplanation {
  readonly summary: readonly string[];
  readonly findings: readonly Finding[];
}

/** The answer of /explainz. */
export type Explainz = { readonly server_id: string; readonly now: string } & (
  | ServerExplanation
  | ConnectionExplanation
  | StreamExplanation
);

/** Explains; null: nothing is known of the connection or stream asked about. Takes several turns. */
export async function explainz(server: ExplainedServer, query: ExplainzQuery): Promise<Explainz | null> {
  const { clock, serverId } = server.broker;
  if (query.about !== undefined && query.about !== null) {
    const explanation = explainStream(server.jetStream ?? null, query.about);
    const now = formatTime(clock.nowMs());
    return explanation === null ? null : { server_id: serverId, now, ...explanation };
  }
  const delayMs = await loopDelay(clock);
  return await inTurns(explainzSteps(server, query, delayMs), (run) => clock.nextTurn(run));
}

function* explainzSteps(
  server: ExplainedServer,
  { cid, sid }: ExplainzQuery,
  loopDelayMs: number,
): Steps<Explainz | null> {
  const facts = yield* factsOf(server, loopDelayMs);
  const head = { server_id: server.broker.serverId, now: formatTime(facts.nowMs) };
  if (cid > 0) {
    const explanation = yield* explainConnection(facts, cid, sid);
    return explanation === null ? null : { ...head, ...explanation };
  }
  const found = yield* findings(facts);
  return { ...head, summary: sentencesOf(found), findings: found };
}

function sentencesOf(found: readonly Finding[]): string[] {
  if (found.length === 0) return ["Nothing to complain about."];
  const lines = found.map(
    ({ number, severity, title, detail, remedy }) => `${number} ${severity}: ${title}: ${detail}. ${remedy}`,
  );
  return [`${counted(found.length, "finding")}:`, ...lines];
}
