import { explainz } from "../explain/explainz.ts";
import type { HttpAnswer } from "../io/http.ts";
import { badRequest, jsonAnswer, missing } from "./answers.ts";
import type { Monitored } from "./endpoint.ts";
import type { Query } from "./query.ts";

/** /explainz: what is wrong with the server, or with `cid`, one of its connections, and `sid`, a subscription of that. */
export function answerExplainz({ server }: Monitored, query: Query): HttpAnswer | Promise<HttpAnswer> {
  const asked = { cid: query.uint("cid"), sid: query.text("sid") };
  if (query.problem !== null) return badRequest(query.problem);
  if (asked.sid !== "" && asked.cid === 0) return badRequest("sid goes with cid");
  return explainz(server, asked).then((view) =>
    view === null ? missing(`no connection ${asked.cid} is known\n`) : jsonAnswer(view),
  );
}
