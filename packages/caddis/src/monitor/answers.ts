import type { HttpAnswer } from "../io/http.ts";
import { jsonLine, jsonPieces } from "./json.ts";

const JSON_HEADERS = { "Access-Control-Allow-Origin": "*", "Content-Type": "application/json" };
const TEXT_HEADERS = { "Content-Type": "text/plain; charset=utf-8" };
const HTML_HEADERS = { "Content-Type": "text/html; charset=utf-8" };
const VARIABLES_HEADERS = { "Content-Type": "application/json; charset=utf-8" };

/** A view for people and dashboards, indented. */
export function jsonAnswer(view: object): HttpAnswer {
  return { status: 200, headers: JSON_HEADERS, body: jsonPieces(view) };
}

/** A view, or why there is none for what was asked. */
export function viewAnswer(view: object | { readonly problem: string }): HttpAnswer {
  return "problem" in view ? badRequest(view.problem) : jsonAnswer(view);
}

/** A short answer for probes, in one line. */
export function jsonLineAnswer(status: number, value: object): HttpAnswer {
  return { status, headers: JSON_HEADERS, body: [jsonLine(value)] };
}

/** A text under the headers of JSON. */
export function jsonTextAnswer(text: string): HttpAnswer {
  return { status: 200, headers: JSON_HEADERS, body: [text] };
}

/** Each variable on a line of its own, as Go's `expvar` writes them. */
export function variablesAnswer(variables: object): HttpAnswer {
  const lines = Object.entries(variables).map(([name, value]) => `${jsonLine(name)}: ${jsonLine(value)}`);
  return { status: 200, headers: VARIABLES_HEADERS, body: [`{\n${lines.join(",\n")}\n}\n`] };
}

export function htmlAnswer(html: string): HttpAnswer {
  return { status: 200, headers: HTML_HEADERS, body: [html] };
}

/** The asker's fault, with the reason. */
export function badRequest(problem: string): HttpAnswer {
  return { status: 400, headers: TEXT_HEADERS, body: [problem] };
}

/** There is nothing of the kind that was asked for. */
export function missing(what: string): HttpAnswer {
  return { status: 404, headers: TEXT_HEADERS, body: [what] };
}

/** There is nothing under this path. */
export function notFound(): HttpAnswer {
  return {
    status: 404,
    headers: { ...TEXT_HEADERS, "X-Content-Type-Options": "nosniff" },
    body: ["404 page not found\n"],
  };
}

/** The path has another, shorter spelling. */
export function movedTo(location: string): HttpAnswer {
  return { status: 301, headers: { ...TEXT_HEADERS, Location: location }, body: [`Moved to ${location}\n`] };
}

/** Our own fault; what it is stands in the log. */
export function internalError(): HttpAnswer {
  return { status: 500, headers: TEXT_HEADERS, body: ["500 Internal Server Error\n"] };
}
