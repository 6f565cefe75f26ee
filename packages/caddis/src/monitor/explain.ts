import { explainz } from "../explain/explainz.ts";
import { GLOBAL_ACCOUNT } from "../broker/accounts.ts";
import type { HttpAnswer } from "../io/http.ts";
import { badRequest, jsonAnswer, missing } from "./answers.ts";
import type { Monitored } from "./endpoint.ts";
import type { Query } from "./query.ts";

/**
 * /explainz: what is wrong with the server, or with `cid`, one of its connections, and `sid`, a subscription of that;
 * or with `stream`, one of an account (`acc`), and `consumer`, one of that.
 */
export function answerExplainz({ server }: Monitored, query: Query): HttpAnswer | Promise<HttpAnswer> {
  const about = {
    account: query.text("acc") || GLOBAL_ACCOUNT,
    stream: query.text("stream"),
    consumer: query.text("consumer"),
  };
  const asked = {
    cid: query.uint("cid"),
    sid: query.text("sid"),
    about: about.stream === "" ? null : about,
  };
  if (query.problem !== null) return badRequest(query.problem);
  if (asked.sid !== "" && asked.cid === 0) return badRequest("sid goes with cid");
  if (about.consumer !== "" && about.stream === "") return badRequest("consumer goes with stream");
  return explainz(server, asked).then((view) => {
    if (view !== null) return jsonAnswer(view);
    if (asked.about === null) return missing(`no connection ${asked.cid} is known\n`);
    const what = about.consumer === "" ? "stream" : "consumer";
    return missing(`there is no such ${what} in account ${about.account}\n`);
  });
}
