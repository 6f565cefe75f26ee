import type { ReceivedMessage } from "../../broker/internal-subscription.ts";
import type { JetStreamAccount } from "../account.ts";
import { type ApiError, apiError } from "../core/api-error.ts";
import {
  type DecodedFields,
  decodeRequest,
  type FieldTable,
  isObjectOrArray,
  type ObjectType,
} from "../core/json-fields.ts";
import type { Stream } from "../stream.ts";
import type { ApiCounts } from "../usage.ts";

/** A request to the API, as an endpoint sees it. */
export interface ApiRequest {
  readonly owner: JetStreamAccount;
  /** What stands in place of the wildcards of the endpoint's subject, in order. Wire strings. */
  readonly names: readonly string[];
  readonly received: ReceivedMessage;
  /** Of the account, this request not among them. */
  readonly counts: Readonly<ApiCounts>;
}

/** The fields of an answer besides `type`, in the order in which the reference writes them; values as in its JSON. */
export type ApiFields = Readonly<Record<string, unknown>>;

export interface ApiFailure {
  readonly error: ApiError;
  /** The reference does not count it among its errors. */
  readonly isUncounted?: true;
}

/** What is answered. `headers`: a header block, wire string. */
export interface ApiSuccess {
  readonly ok: ApiFields;
  readonly headers?: string;
}

/** What an endpoint says to a request. `null`: nothing, or it has answered by itself. */
export type ApiAnswer = ApiSuccess | ApiFailure | null;

/** A part of the API under one subject. */
export interface ApiEndpoint {
  /** Below `$JS.API.`, with `*` and `>` for names: `STREAM.INFO.*`. The first name is always a stream's. */
  readonly subject: string;
  /** The last part of the answer's type: `stream_info` for `io.nats.jetstream.api.v1.stream_info_response`. */
  readonly type: string;
  /** What an answer with an error holds besides it: lists still say `total`, `offset` and `limit`. */
  readonly fieldsOfErrors?: ApiFields;
  /** It only tells: such requests wait in a number of their own. */
  readonly isInfo?: boolean;
  /** Which of its answers are neither counted nor told in an advisory, as in the reference. */
  readonly quiet?: "all" | "successes";
  /** Only a cluster has it: it is refused, whatever else may be said against the request. */
  readonly needsCluster?: true;
  /** What is looked at before it is asked whether the account has JetStream. */
  readonly screen?: RequestScreen;
  answer(request: ApiRequest): ApiAnswer | Promise<ApiAnswer>;
}

/** What a request's body alone says against it. */
export interface RequestScreen {
  /** It goes before the level of the API that the request may ask for. */
  readonly isBeforeLevel: boolean;
  problem(payload: Uint8Array, isStrict: boolean): ApiError | null;
}

/** What stands against a request that asks for a newer server besides that; null: nothing. */
export function problemBeforeLevel(
  { screen }: ApiEndpoint,
  payload: Uint8Array,
  isStrict: boolean,
): ApiError | null {
  return screen?.isBeforeLevel === true ? screen.problem(payload, isStrict) : null;
}

/** A screen that finds what is no JSON of this type. */
export function screenJson(type: ObjectType, isOptional = false): RequestScreen {
  return {
    isBeforeLevel: true,
    problem: (payload, isStrict) => {
      if (isOptional && !isObjectOrArray(payload)) return null;
      const decoded = decodeRequest(payload, type, isStrict);
      return "problem" in decoded ? apiError("invalidJSON", { err: decoded.problem }) : null;
    },
  };
}

/** An endpoint that only a cluster has. */
export function clusterEndpoint(subject: string, type: string): ApiEndpoint {
  return {
    subject,
    type,
    needsCluster: true,
    answer: () => ({ error: apiError("clusterRequired") }),
  };
}

/** What a request's JSON says, or the error to answer with. */
export function readRequest<Table extends FieldTable>(
  { owner, received }: ApiRequest,
  type: ObjectType<Table>,
): { readonly fields: DecodedFields<Table> } | ApiFailure {
  const decoded = decodeRequest(received.payload, type, owner.jetStream.settings.strict);
  if ("fields" in decoded) return decoded;
  return { error: apiError("invalidJSON", { err: decoded.problem }) };
}

/** The stream that the request's subject names first, or the error to answer with. */
export function findStream({ owner, names }: ApiRequest): Stream | ApiFailure {
  const [name = ""] = names;
  const stream = owner.streams.get(name);
  if (stream !== undefined) return stream;
  const damaged = owner.damaged.get(name);
  return {
    error:
      damaged === undefined
        ? apiError("streamNotFound")
        : apiError("streamOfflineReason", { err: damaged.reason }),
  };
}

/** Whether a helper has found an error instead. */
export function isFailure<Found extends object>(
  found: Found,
): found is Extract<Found, { readonly error: ApiError }> {
  return Object.hasOwn(found, "error");
}
