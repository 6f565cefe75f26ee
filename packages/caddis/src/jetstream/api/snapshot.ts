import { instantOf } from "../../base/instant.ts";
import { type RequestInfo, requestInfoOf } from "../../broker/request-info.ts";
import type { ReceivedMessage } from "../../broker/internal-subscription.ts";
import { hasWildcard, isValidConfiguredSubject } from "../../subject/subject.ts";
import { refusalOfStream } from "../account-limits.ts";
import { apiError } from "../core/api-error.ts";
import { isEmptyRequest, objectOf } from "../core/json-fields.ts";
import { checkStreamConfig } from "../core/stream-config-check.ts";
import { STREAM_CONFIG_FIELDS, streamConfigOf } from "../core/stream-config-decode.ts";
import { encodeStreamConfig } from "../core/stream-config-encode.ts";
import { checkOriginFilters } from "../core/stream-config-origins.ts";
import type { StreamConfig } from "../core/stream-config.ts";
import { withLevelOf } from "../core/versioning.ts";
import { Snapshot } from "../snapshot.ts";
import { type SnapshotDelivery, SnapshotSender } from "../snapshot-sender.ts";
import { refuseRestore } from "../restore-target.ts";
import type { Stream } from "../stream.ts";
import {
  type ApiAnswer,
  type ApiEndpoint,
  type ApiFailure,
  type ApiRequest,
  findStream,
  isFailure,
  readRequest,
} from "./endpoint.ts";
import { streamConfigContext } from "./stream-config-context.ts";

const SNAPSHOT_REQUEST = objectOf("JSApiStreamSnapshotRequest", {
  deliver_subject: "wire",
  no_consumers: "bool",
  chunk_size: "int",
  window_size: "int",
  // Messages are checked as they are read, in any case.
  jsck: "bool",
});

const STATE_FIELDS = {
  messages: "uint64",
  bytes: "uint64",
  first_seq: "uint64",
  first_ts: "time",
  last_seq: "uint64",
  last_ts: "time",
  num_subjects: "int",
  num_deleted: "int",
  consumer_count: "int",
} as const;

const RESTORE_REQUEST = objectOf("JSApiStreamRestoreRequest", {
  config: objectOf("server.StreamConfig", STREAM_CONFIG_FIELDS),
  state: objectOf("server.StreamState", STATE_FIELDS),
});

/** What takes a stream to another server, or another time. */
export const SNAPSHOT_ENDPOINTS: readonly ApiEndpoint[] = [
  { subject: "STREAM.SNAPSHOT.*", type: "stream_snapshot", answer: snapshot },
  {
    subject: "STREAM.RESTORE.*",
    type: "stream_restore",
    fieldsOfErrors: { deliver_subject: "" },
    answer: restore,
  },
];

function snapshot(request: ApiRequest): ApiAnswer {
  if (isEmptyRequest(request.received.payload)) return { error: apiError("badRequest") };
  const stream = findStream(request);
  const isLeft = request.owner.damaged.get(request.names[0])?.newer !== undefined;
  if (isFailure(stream) && !isLeft) return stream;
  const read = readRequest(request, SNAPSHOT_REQUEST);
  if (isFailure(read)) return read;
  const { deliver_subject = "", no_consumers = false, chunk_size = 0, window_size = 0 } = read.fields;
  if (!isValidConfiguredSubject(deliver_subject) || hasWildcard(deliver_subject))
    return { error: apiError("snapshotDeliverSubjectInvalid") };
  // Left to a newer server, which knows what is in it.
  if (isFailure(stream)) return { error: apiError("streamSnapshot", { err: "stream closed" }) };
  const taken = new Snapshot(stream, !no_consumers);
  const delivery = { subject: deliver_subject, chunkBytes: chunk_size, windowBytes: window_size };
  const client = askedBy(request.received);
  // The answer goes first.
  request.owner.account.broker.clock.nextTurn(() => send(stream, taken, delivery, client));
  return { ok: { config: encodeStreamConfig(stream.config, true), state: taken.state } };
}

function send(stream: Stream, taken: Snapshot, delivery: SnapshotDelivery, client: RequestInfo | null): void {
  const { account, advisories } = stream.owner;
  const { log, clock } = account.broker;
  const start = instantOf(clock.nowMs());
  log.info(`Starting snapshot for stream '${taken.streamName}'`);
  advisories.snapshotCreated(stream.name, taken.state, client);
  const onEnd = (failure: string): void => {
    advisories.snapshotCompleted(stream.name, start, instantOf(clock.nowMs()), client, failure);
    if (failure === "") log.info(`Completed snapshot for stream '${taken.streamName}'`);
    else log.warn(`Snapshot for stream '${taken.streamName}' failed: ${failure}`);
  };
  new SnapshotSender(account, stream.name, taken, delivery, onEnd).start();
}

async function restore(request: ApiRequest): Promise<ApiAnswer> {
  if (isEmptyRequest(request.received.payload)) return { error: apiError("badRequest") };
  const read = readRequest(request, RESTORE_REQUEST);
  if (isFailure(read)) return read;
  const [named] = request.names;
  const fields = read.fields.config ?? {};
  const checked = checkConfig(request, { ...streamConfigOf(fields), name: fields.name || named });
  if (isFailure(checked)) return checked;
  const { owner, received } = request;
  if (owner.streams.has(named)) return { error: apiError("streamNameExistRestoreFailed") };
  try {
    const begun = await owner.restores.begin(checked.config, askedBy(received));
    if (begun === null) return { error: refuseRestore("too many restores at the same time") };
    return { ok: { deliver_subject: begun.subject } };
  } catch (error) {
    return { error: refuseRestore(error instanceof Error ? error.message : String(error)) };
  }
}

/** The configuration with its defaults, checked as that of a new stream is; under no other name than the request's. */
function checkConfig(
  { owner, names }: ApiRequest,
  wanted: StreamConfig,
): { readonly config: StreamConfig } | ApiFailure {
  if (wanted.name !== names[0]) return { error: apiError("streamMismatch") };
  if (/[\\/]/.test(wanted.name)) return { error: apiError("streamNameContainsPathSeparators") };
  // The level that it needs is what was stored with it.
  const metadata = withLevelOf(wanted.metadata, wanted.metadata);
  const checked = checkStreamConfig({ ...wanted, metadata }, streamConfigContext(owner, false));
  if (isFailure(checked)) return checked;
  const { config } = checked;
  // What else may stand against it is said once the archive has begun, as in the reference.
  const refused = refusalOfStream(owner, config) ?? checkOriginFilters(config);
  return refused === null ? { config } : { error: refused };
}

/** Who asks, for advisories. */
function askedBy({ info, origin }: ReceivedMessage): RequestInfo | null {
  return info ?? (origin === null ? null : requestInfoOf(origin, true));
}
