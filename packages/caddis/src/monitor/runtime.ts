import type { HttpAnswer } from "../io/http.ts";
import { expvarz } from "../system/views/expvarz.ts";
import { stacksz } from "../system/views/stacksz.ts";
import { jsonTextAnswer, variablesAnswer } from "./answers.ts";
import type { Monitored } from "./endpoint.ts";

/** Text, which the reference calls JSON all the same. */
export function answerStacksz({ server }: Monitored): HttpAnswer {
  return jsonTextAnswer(stacksz(server.resources));
}

export function answerExpvarz({ server }: Monitored): HttpAnswer {
  return variablesAnswer(expvarz(server.resources));
}
