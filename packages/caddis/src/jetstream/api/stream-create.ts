import { refusalOfStream } from "../account-limits.ts";
import { type ApiError, apiError } from "../core/api-error.ts";
import { checkStreamConfig } from "../core/stream-config-check.ts";
import { STREAM_CONFIG_REQUEST, streamConfigOf } from "../core/stream-config-decode.ts";
import { invalidConfig } from "../core/stream-config-draft.ts";
import { checkOriginFilters } from "../core/stream-config-origins.ts";
import type { StreamConfig } from "../core/stream-config.ts";
import { storedMetadata, streamApiLevel } from "../core/versioning.ts";
import { Stream } from "../stream.ts";
import { type ApiAnswer, type ApiEndpoint, type ApiRequest, isFailure, readRequest } from "./endpoint.ts";
import { streamConfigContext } from "./stream-config-context.ts";
import { streamInfoFields } from "./stream-info-fields.ts";

export const STREAM_CREATE: ApiEndpoint = {
  subject: "STREAM.CREATE.*",
  type: "stream_create",
  answer: create,
};

async function create(request: ApiRequest): Promise<ApiAnswer> {
  const read = readRequest(request, STREAM_CONFIG_REQUEST);
  if (isFailure(read)) return read;
  const { pedantic = false, ...fields } = read.fields;
  const wanted = streamConfigOf(fields);
  const fault = checkRequest(wanted, request.names[0]);
  if (fault !== null) return { error: fault };
  const checked = checkStreamConfig(
    { ...wanted, metadata: storedMetadata(wanted.metadata, streamApiLevel(wanted)) },
    streamConfigContext(request.owner, pedantic),
  );
  if (isFailure(checked)) return checked;
  const error = checkNew(checked.config);
  // What the account may not have at all goes first.
  if (error !== null) return { error: refusalOfStream(request.owner, checked.config) ?? error };
  const made = await request.owner.createStream(checked.config);
  if (!(made instanceof Stream)) return { error: made };
  return { ok: { ...streamInfoFields(made, { hasNoDomain: true }), did_create: true } };
}

/** What is looked at before the configuration as a whole. */
function checkRequest({ name, sealed, mirror, mirror_direct }: StreamConfig, named: string): ApiError | null {
  if (name !== named) return apiError("streamMismatch");
  if (/[\\/]/.test(name)) return apiError("streamNameContainsPathSeparators");
  if (sealed) return invalidConfig("stream configuration for create can not be sealed");
  return mirror_direct && mirror === null
    ? invalidConfig("stream has no mirror but does have mirror direct")
    : null;
}

function checkNew(config: StreamConfig): ApiError | null {
  return config.num_replicas > 1 ? apiError("streamReplicasNotSupported") : checkOriginFilters(config);
}
