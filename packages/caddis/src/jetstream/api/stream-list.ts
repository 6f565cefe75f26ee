import { subjectsCollide } from "../../subject/overlap.ts";
import { fromWireString } from "../../subject/subject.ts";
import type { JetStreamAccount } from "../account.ts";
import { isObjectOrArray, objectOf } from "../core/json-fields.ts";
import { orderedObject } from "../core/stream-config-encode.ts";
import type { StreamConfig } from "../core/stream-config.ts";
import {
  type ApiAnswer,
  type ApiEndpoint,
  type ApiFailure,
  type ApiFields,
  type ApiRequest,
  isFailure,
  readRequest,
} from "./endpoint.ts";
import { streamInfoFields } from "./stream-info-fields.ts";

/** Streams in one answer; as in the reference. */
const NAMES_MAX = 1_024;
const LIST_MAX = 256;

const NAMES_REQUEST = objectOf("JSApiStreamNamesRequest", { offset: "int", subject: "wire" });
const LIST_REQUEST = objectOf("JSApiStreamListRequest", { offset: "int", subject: "wire" });
const NO_PAGE = { total: 0, offset: 0, limit: 0 };

export const STREAM_LISTS: readonly ApiEndpoint[] = [
  {
    subject: "STREAM.NAMES",
    type: "stream_names",
    isInfo: true,
    fieldsOfErrors: { ...NO_PAGE, streams: null },
    answer: (request) => list(request, NAMES_REQUEST, NAMES_MAX, namesFields),
  },
  {
    subject: "STREAM.LIST",
    type: "stream_list",
    isInfo: true,
    fieldsOfErrors: { ...NO_PAGE, streams: [] },
    answer: (request) => list(request, LIST_REQUEST, LIST_MAX, infoFields),
  },
];

function list(
  request: ApiRequest,
  type: typeof NAMES_REQUEST,
  limit: number,
  fieldsOf: (names: readonly string[], owner: JetStreamAccount) => ApiFields,
): ApiAnswer {
  const wanted = readListRequest(request, type);
  if (isFailure(wanted)) return wanted;
  const names = namesOf(request.owner, wanted.subject);
  const offset = Math.min(wanted.offset, names.length);
  const page = names.slice(offset, offset + limit);
  return { ok: { total: names.length, offset, limit, ...fieldsOf(page, request.owner) } };
}

function readListRequest(
  request: ApiRequest,
  type: typeof NAMES_REQUEST,
): { readonly offset: number; readonly subject: string } | ApiFailure {
  // Anything that is no JSON asks for everything.
  if (!isObjectOrArray(request.received.payload)) return { offset: 0, subject: "" };
  const read = readRequest(request, type);
  if (isFailure(read)) return read;
  const { offset = 0, subject = "" } = read.fields;
  return { offset: Math.max(offset, 0), subject };
}

/**
 * In their order; `subject` empty: all, those that can't be brought back included. Else of the streams that have a
 * subject in common with it, as far as their subjects are known.
 */
function namesOf({ streams, damaged }: JetStreamAccount, subject: string): string[] {
  const isWanted = (config: StreamConfig | undefined): boolean =>
    subject === "" || config?.subjects.some((own) => subjectsCollide(own, subject)) === true;
  const found = [...streams.values()].filter(({ config }) => isWanted(config));
  const lost = [...damaged.values()].filter(
    ({ name, newer }) => !streams.has(name) && isWanted(newer?.config),
  );
  return [...found.map(({ config }) => config.name), ...lost.map(({ name }) => name)].sort();
}

function namesFields(names: readonly string[]): ApiFields {
  return { streams: names.length === 0 ? null : names.map(fromWireString) };
}

function infoFields(names: readonly string[], { streams, damaged }: JetStreamAccount): ApiFields {
  const found = names.flatMap((name) => streams.get(name) ?? []);
  const missing = names.filter((name) => !streams.has(name));
  const offline = missing.map((name) => [fromWireString(name), damaged.get(name)?.reason ?? ""] as const);
  return {
    streams: found.map((stream) => streamInfoFields(stream, { hasStoredMetadata: true })),
    missing: missing.length === 0 ? undefined : missing.map(fromWireString),
    offline: missing.length === 0 ? undefined : orderedObject(offline),
  };
}
