import type { ReceivedMessage } from "../../broker/internal-subscription.ts";
import type { JetStreamAccount } from "../account.ts";
import type { ApiError } from "../core/api-error.ts";

/** A request to the API, as an endpoint sees it. */
export interface ApiRequest {
  readonly owner: JetStreamAccount;
  /** What stands in place of the wildcards of the endpoint's subject, in order. Wire strings. */
  readonly names: readonly string[];
  readonly received: ReceivedMessage;
}

/** The fields of an answer besides `type`, in the order in which the reference writes them; values as in its JSON. */
export type ApiFields = Readonly<Record<string, unknown>>;

/** What an endpoint says to a request. `null`: nothing, or it has answered by itself. */
export type ApiAnswer = { readonly ok: ApiFields } | { readonly error: ApiError } | null;

/** A part of the API under one subject. */
export interface ApiEndpoint {
  /** Below `$JS.API.`, with `*` and `>` for names: `STREAM.INFO.*`. */
  readonly subject: string;
  /** The last part of the answer's type: `stream_info` for `io.nats.jetstream.api.v1.stream_info_response`. */
  readonly type: string;
  /** What an answer with an error holds besides it: lists still say `total`, `offset` and `limit`. */
  readonly fieldsOfErrors?: ApiFields;
  answer(request: ApiRequest): ApiAnswer | Promise<ApiAnswer>;
}
