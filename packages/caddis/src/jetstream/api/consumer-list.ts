import { fromWireString } from "../../subject/subject.ts";
import type { Consumer } from "../consumer.ts";
import { isObjectOrArray, objectOf } from "../core/json-fields.ts";
import { orderedObject } from "../core/stream-config-encode.ts";
import type { Stream } from "../stream.ts";
import { consumerFields } from "./consumer-info.ts";
import {
  type ApiAnswer,
  type ApiEndpoint,
  type ApiFailure,
  type ApiFields,
  type ApiRequest,
  findStream,
  isFailure,
  readRequest,
} from "./endpoint.ts";

/** Entries of one answer; as in the reference. */
const NAMES_MAX = 1_024;
const INFOS_MAX = 256;

const PAGE_REQUEST = objectOf("JSApiConsumersRequest", { offset: "int" });
const NONE: ReadonlyMap<string, string> = new Map();
const NO_PAGE = { total: 0, offset: 0, limit: 0, consumers: [] };

/** `CONSUMER.NAMES` and `CONSUMER.LIST`: the consumers of a stream by name, a page at a time. */
export const CONSUMER_LIST_ENDPOINTS: readonly ApiEndpoint[] = [
  {
    subject: "CONSUMER.NAMES.*",
    type: "consumer_names",
    fieldsOfErrors: NO_PAGE,
    isInfo: true,
    answer: (request) => answerPage(request, NAMES_MAX, (_, consumer) => fromWireString(consumer.name)),
  },
  {
    subject: "CONSUMER.LIST.*",
    type: "consumer_list",
    fieldsOfErrors: NO_PAGE,
    isInfo: true,
    answer: (request) =>
      answerPage(request, INFOS_MAX, (stream, consumer) =>
        consumerFields(stream.config.name, consumer, true),
      ),
  },
];

function answerPage(
  request: ApiRequest,
  limit: number,
  entry: (stream: Stream, consumer: Consumer) => string | ApiFields,
): ApiAnswer {
  const asked = offsetOf(request);
  if (isFailure(asked)) return asked;
  const left = leftPage(request, limit, asked.offset);
  if (left !== null) return left;
  const stream = findStream(request);
  if (isFailure(stream)) return stream;
  // Those that copy this stream to another are nobody's business.
  const shown = [...stream.consumers.values()]
    .filter(({ config }) => !config.direct)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const offset = Math.min(Math.max(asked.offset, 0), shown.length);
  const consumers = shown.slice(offset, offset + limit).map((consumer) => entry(stream, consumer));
  return { ok: { total: shown.length, offset, limit, consumers } };
}

/**
 * Of a stream that is left to a newer server for the sake of consumers: these, and no others, as in the reference. Null:
 * it is not. Names are all that one can say of them, and in a list of more than names, why.
 */
function leftPage({ owner, names: [name] }: ApiRequest, limit: number, from: number): ApiAnswer {
  const newer = owner.damaged.get(name)?.newer?.consumers ?? NONE;
  if (newer.size === 0) return null;
  const offset = Math.min(Math.max(from, 0), newer.size);
  const page = [...newer.keys()].sort().slice(offset, offset + limit);
  const shown = page.map(fromWireString);
  const paging = { total: newer.size, offset, limit };
  if (limit === NAMES_MAX) return { ok: { ...paging, consumers: shown } };
  if (page.length === 0) return { ok: { ...paging, consumers: [] } };
  const reasons = page.map((each) => [fromWireString(each), newer.get(each)] as const);
  return { ok: { ...paging, consumers: [], missing: shown, offline: orderedObject(reasons) } };
}

function offsetOf(request: ApiRequest): { readonly offset: number } | ApiFailure {
  if (!isObjectOrArray(request.received.payload)) return { offset: 0 };
  const read = readRequest(request, PAGE_REQUEST);
  return isFailure(read) ? read : { offset: read.fields.offset ?? 0 };
}
