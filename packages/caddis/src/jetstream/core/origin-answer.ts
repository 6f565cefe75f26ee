import { toWireString } from "../../subject/subject.ts";
import type { ApiError } from "./api-error.ts";

/** What an origin says to the request for a consumer: what is needed of it. Names are wire strings. */
export interface OriginConsumerInfo {
  readonly name: string;
  readonly deliverSubject: string;
  readonly ackPolicy: string;
  /** The last sequence of the origin that it has delivered: it goes on behind it. */
  readonly deliveredSeq: number;
  readonly pending: number;
}

/** The answer may come from another server: anything may be in it. */
export function decodeOriginAnswer(
  payload: Buffer,
): { readonly info: OriginConsumerInfo } | { readonly error: ApiError } | { readonly problem: string } {
  const answer = parse(payload);
  if (answer === null) return { problem: "invalid JSON" };
  const error = fieldsOf(answer["error"]);
  if (error !== null) return { error: errorOf(error) };
  const config = fieldsOf(answer["config"]);
  const delivered = fieldsOf(answer["delivered"]);
  const name = answer["name"];
  if (config === null || typeof name !== "string" || name === "")
    return { problem: "invalid consumer create response" };
  return {
    info: {
      name: toWireString(name),
      deliverSubject: toWireString(textOf(config["deliver_subject"])),
      ackPolicy: textOf(config["ack_policy"]),
      deliveredSeq: sequenceOf(delivered?.["stream_seq"]),
      pending: sequenceOf(answer["num_pending"]),
    },
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parse(payload: Buffer): Fields | null {
  try {
    return fieldsOf(JSON.parse(payload.toString("utf8")));
  } catch {
    return null;
  }
}

function fieldsOf(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

function errorOf({ code, err_code, description }: Fields): ApiError {
  return { code: sequenceOf(code), err_code: sequenceOf(err_code), description: textOf(description) };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function sequenceOf(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
