import { type ApiError, apiError } from "../core/api-error.ts";
import { isEmptyRequest, isObjectOrArray, objectOf } from "../core/json-fields.ts";
import type { Stream } from "../stream.ts";
import {
  type ApiAnswer,
  type ApiEndpoint,
  type ApiRequest,
  findStream,
  isFailure,
  readRequest,
} from "./endpoint.ts";

const PURGE_REQUEST = objectOf("JSApiStreamPurgeRequest", { seq: "uint64", filter: "wire", keep: "uint64" });
const MESSAGE_DELETE_REQUEST = objectOf("JSApiMsgDeleteRequest", { seq: "uint64", no_erase: "bool" });

/** What takes away streams, or messages from them. */
export const STREAM_REMOVALS: readonly ApiEndpoint[] = [
  { subject: "STREAM.DELETE.*", type: "stream_delete", answer: deleteStream },
  { subject: "STREAM.PURGE.*", type: "stream_purge", fieldsOfErrors: { purged: 0 }, answer: purge },
  { subject: "STREAM.MSG.DELETE.*", type: "stream_msg_delete", answer: deleteMessage },
];

async function deleteStream(request: ApiRequest): Promise<ApiAnswer> {
  if (!isEmptyRequest(request.received.payload)) return { error: apiError("notEmptyRequest") };
  const stream = findStream(request);
  if (isFailure(stream)) return stream;
  const error = await request.owner.deleteStream(stream);
  return error === null ? { ok: { success: true } } : { error };
}

async function purge(request: ApiRequest): Promise<ApiAnswer> {
  // Anything that is no JSON asks for all of it to be purged.
  const read = isObjectOrArray(request.received.payload)
    ? readRequest(request, PURGE_REQUEST)
    : { fields: {} };
  if (isFailure(read)) return read;
  const { seq = 0, filter = "", keep = 0 } = read.fields;
  if (seq > 0 && keep > 0) return { error: apiError("badRequest") };
  const stream = findStream(request);
  if (isFailure(stream)) return stream;
  if (stream.config.sealed) return { error: apiError("streamSealed") };
  if (stream.config.deny_purge) {
    return { error: apiError("streamPurgeFailed", { err: "stream purge not permitted" }) };
  }
  const purged = await stream.purge({ seq, filter, keep });
  return { ok: { success: true, purged } };
}

async function deleteMessage(request: ApiRequest): Promise<ApiAnswer> {
  if (isEmptyRequest(request.received.payload)) return { error: apiError("badRequest") };
  const read = readRequest(request, MESSAGE_DELETE_REQUEST);
  if (isFailure(read)) return read;
  const stream = findStream(request);
  if (isFailure(stream)) return stream;
  if (stream.config.sealed) return { error: apiError("streamSealed") };
  if (stream.config.deny_delete) {
    return { error: apiError("streamMsgDeleteFailed", { err: "message delete not permitted" }) };
  }
  const { seq = 0, no_erase = false } = read.fields;
  const isRemoved = await stream.removeMessage(seq, !no_erase);
  return isRemoved ? { ok: { success: true } } : { error: notRemoved(stream, seq), isUncounted: true };
}

/** Files say something else of a message that is yet to come, and of one before the first. */
function notRemoved({ store, config }: Stream, seq: number): ApiError {
  const { firstSeq, lastSeq, messages } = store.state;
  if (config.storage === "file") {
    if (seq > lastSeq) return apiError("streamMsgDeleteFailed", { err: "stream store EOF" });
    const isBefore = seq < firstSeq || messages === 0;
    if (isBefore) return apiError("streamMsgDeleteFailed", { err: "no message found" });
  }
  return apiError("sequenceNotFound", { seq });
}
