import type { HttpAnswer } from "../io/http.ts";
import { jsonLine, jsonPieces } from "./json.ts";

const JSON_HEADERS = { "Access-Control-Allow-Origin": "*", "Content-Type": "application/json" };
const TEXT_HEADERS = { "Content-Type": "text/plain; charset=utf-8" };
const HTML_HEADERS = { "Content-Type": "text/html; charset=utf-8" };

/** A view for people and dashboards, indented. */
export function jsonAnswer(view: object): HttpAnswer {
  return { status: 200, headers: JSON_HEADERS, body: jsonPieces(view) };
}

/** A short answer for probes, in one line. */
export function jsonLineAnswer(status: number, value: object): HttpAnswer {
  return { status, headers: JSON_HEADERS, body: [jsonLine(value)] };
}

export function htmlAnswer(html: string): HttpAnswer {
  return { status: 200, headers: HTML_HEADERS, body: [html] };
}

/** The asker's fault, with the reason. */
export function badRequest(problem: string): HttpAnswer {
  return { status: 400, headers: TEXT_HEADERS, body: [problem] };
}

/** There is nothing under this path. */
export function notFound(text: string): HttpAnswer {
  return {
    status: 404,
    headers: { ...TEXT_HEADERS, "X-Content-Type-Options": "nosniff" },
    body: [`${text}\n`],
  };
}

/** The path has another, shorter spelling. */
export function movedTo(location: string): HttpAnswer {
  return { status: 301, headers: { ...TEXT_HEADERS, Location: location }, body: [`Moved to ${location}\n`] };
}
