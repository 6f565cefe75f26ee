import { dirname } from "node:path";
import type { Account } from "../../broker/account.ts";
import { goJson } from "../../broker/go-json.ts";
import type { ReceivedMessage } from "../../broker/internal-subscription.ts";
import { makeMessage } from "../../broker/message.ts";
import type { Subscription } from "../../broker/subscription.ts";
import { fromWireString } from "../../subject/subject.ts";
import { Advisories } from "../advisories.ts";
import { type ApiError, apiError } from "../core/api-error.ts";
import type { JetStream } from "../jetstream.ts";
import { streamsFolderOf } from "../stream-folder.ts";

const API = "$JS.API.";
const INFO = "$JS.API.INFO";
const ACCOUNT_PURGE = /^\$JS\.API\.ACCOUNT\.PURGE\.([^.]+)$/;
/** Orders to the servers of a cluster, which a server alone does not hear. */
const CLUSTER_ORDERS =
  /^\$JS\.API\.(?:META\.LEADER\.STEPDOWN|META\.RESCUE|SERVER\.(?:REMOVE|EVACUATE)|ACCOUNT\..*)$/;

/**
 * The API in the account of the servers. It has no streams of its own, and says so to whoever asks for anything; but it
 * is from here that those of another account are thrown away together.
 */
export class SystemApi {
  readonly #account: Account;
  readonly #jetStream: JetStream | null;
  readonly #advisories: Advisories;
  readonly #subscription: Subscription;

  /** Without `jetStream` nothing is thrown away. */
  constructor(account: Account, jetStream: JetStream | null = null) {
    this.#account = account;
    this.#jetStream = jetStream;
    this.#advisories = new Advisories(account, () => jetStream?.domain ?? "");
    this.#subscription = account.listen(`${API}>`, "", (request) => void this.#answer(request));
  }

  close(): void {
    this.#account.unsubscribe(this.#subscription);
  }

  /** Never rejects. */
  async #answer(request: ReceivedMessage): Promise<void> {
    const { subject } = request;
    const named = ACCOUNT_PURGE.exec(subject)?.[1];
    if (named !== undefined && this.#jetStream !== null) {
      const error = await this.#purge(this.#jetStream, fromWireString(named));
      this.#send(request, "account_purge_response", error === null ? { initiated: true } : { error });
    } else if (!CLUSTER_ORDERS.test(subject)) {
      const kind = subject === INFO ? "account_info_response" : "system_response";
      this.#send(request, kind, { error: apiError("notEnabledForAccount") });
    }
  }

  /** Throws away the streams of an account, and what is left of one that is no more. */
  async #purge(jetStream: JetStream, name: string): Promise<ApiError | null> {
    if (/[\\/]/.test(name)) {
      return apiError("streamGeneralError", { err: "account name can not contain path separators" });
    }
    const { accounts, disk, settings, broker } = jetStream;
    // It may be about to be enabled; then its streams are not all there yet.
    await jetStream.settled(name);
    const owner = accounts.get(name);
    const streams = owner === undefined ? [] : [...owner.streams.values()];
    broker.log.info(
      `Purge request for account ${name} (streams: ${streams.length}, hasAccount: ${owner !== undefined})`,
    );
    try {
      for (const stream of streams) {
        const error = (await owner?.deleteStream(stream)) ?? null;
        if (error !== null) return error;
      }
      if (owner === undefined) await disk.removeFolder(dirname(streamsFolderOf(settings.folder, name)));
      return null;
    } catch (error) {
      return apiError("streamGeneralError", { err: error instanceof Error ? error.message : String(error) });
    }
  }

  #send({ subject, reply, payload }: ReceivedMessage, kind: string, fields: object): void {
    const json = goJson({ type: `io.nats.jetstream.api.v1.${kind}`, ...fields });
    if (reply !== "") this.#account.publish(makeMessage(reply, "", "", Buffer.from(json, "utf8")));
    this.#advisories.apiAudit(subject, null, payload.toString("utf8"), json);
  }
}
