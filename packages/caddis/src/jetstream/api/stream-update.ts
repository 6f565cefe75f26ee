import { fromWireString } from "../../subject/subject.ts";
import { type ApiError, apiError } from "../core/api-error.ts";
import { checkStreamConfig } from "../core/stream-config-check.ts";
import { STREAM_CONFIG_REQUEST, streamConfigOf } from "../core/stream-config-decode.ts";
import type { StreamConfig } from "../core/stream-config.ts";
import { updatedStreamConfig } from "../core/stream-update.ts";
import { storedMetadata, streamApiLevel } from "../core/versioning.ts";
import type { Stream } from "../stream.ts";
import {
  type ApiAnswer,
  type ApiEndpoint,
  type ApiRequest,
  findStream,
  isFailure,
  readRequest,
} from "./endpoint.ts";
import { streamConfigContext } from "./stream-config-context.ts";
import { streamInfoFields } from "./stream-info-fields.ts";

export const STREAM_UPDATE: ApiEndpoint = {
  subject: "STREAM.UPDATE.*",
  type: "stream_update",
  answer: update,
};

async function update(request: ApiRequest): Promise<ApiAnswer> {
  const read = readRequest(request, STREAM_CONFIG_REQUEST);
  if (isFailure(read)) return read;
  const { pedantic = false, ...fields } = read.fields;
  const checked = checkStreamConfig(streamConfigOf(fields), streamConfigContext(request.owner, pedantic));
  if (isFailure(checked)) return checked;
  const { config } = checked;
  if (config.name !== request.names[0]) return { error: apiError("streamMismatch") };
  const stream = findStream(request);
  if (isFailure(stream)) return stream;
  const metadata = storedMetadata(config.metadata, streamApiLevel(config));
  const updated = updatedStreamConfig(stream.config, { ...config, metadata });
  if (isFailure(updated)) return updated;
  const error = checkConsumers(stream, updated.config) ?? (await stream.update(updated.config));
  return error === null ? { ok: streamInfoFields(stream) } : { error };
}

/** Limits that become narrower must not shut out consumers that are there. */
function checkConsumers({ config: old, consumers }: Stream, wanted: StreamConfig): ApiError | null {
  const { inactive_threshold: threshold, max_ack_pending: pending } = wanted.consumer_limits;
  const changes =
    (threshold > 0 && threshold !== old.consumer_limits.inactive_threshold) ||
    (pending > 0 && pending !== old.consumer_limits.max_ack_pending);
  if (!changes) return null;
  const violated = [...consumers.values()].filter(
    ({ config }) =>
      (threshold > 0 && config.inactive_threshold > threshold) ||
      (pending > 0 && config.max_ack_pending > pending),
  );
  if (violated.length === 0) return null;
  const names = violated.map(({ name }) => fromWireString(name)).join(", ");
  return apiError("streamUpdate", { err: `change to limits violates consumers: ${names}` });
}
