import { formatInstant } from "../../base/instant.ts";
import { StoredMessage } from "../../store/stored-message.ts";
import { fromWireString } from "../../subject/subject.ts";
import { apiError } from "../core/api-error.ts";
import { findSeq } from "../core/find-message.ts";
import { GET_REQUEST, getRequestOf, isSingleGet } from "../core/get-request.ts";
import { isEmptyRequest } from "../core/json-fields.ts";
import {
  type ApiAnswer,
  type ApiEndpoint,
  type ApiFields,
  type ApiRequest,
  findStream,
  isFailure,
  readRequest,
} from "./endpoint.ts";

/** `STREAM.MSG.GET`: one stored message, as JSON. */
export const MESSAGE_GET_ENDPOINT: ApiEndpoint = {
  subject: "STREAM.MSG.GET.*",
  type: "stream_msg_get",
  quiet: "successes",
  answer,
};

function answer(request: ApiRequest): ApiAnswer {
  if (isEmptyRequest(request.received.payload)) return { error: apiError("badRequest") };
  const read = readRequest(request, GET_REQUEST);
  if (isFailure(read)) return read;
  const asked = getRequestOf(read.fields);
  if (!isSingleGet(asked)) return { error: apiError("badRequest") };
  const stream = findStream(request);
  if (isFailure(stream)) return stream;
  const seq = findSeq(stream.store, asked);
  const stored = new StoredMessage();
  if (seq === 0 || stream.store.load(seq, stored) !== "loaded") return { error: apiError("noMessageFound") };
  return { ok: { message: messageFields(stored, asked.noHeaders) } };
}

function messageFields(stored: StoredMessage, isBare: boolean): ApiFields {
  const { buf, headersStart, payloadStart, payloadEnd } = stored;
  return {
    subject: fromWireString(stored.subject),
    seq: stored.seq,
    hdrs: isBare ? undefined : base64(buf, headersStart, payloadStart),
    data: base64(buf, payloadStart, payloadEnd),
    time: formatInstant({ ms: stored.timeMs, ns: stored.timeNs }),
  };
}

/** Undefined when there is nothing, which the JSON leaves out. */
function base64(buf: Buffer, start: number, end: number): string | undefined {
  return start === end ? undefined : buf.toString("base64", start, end);
}
