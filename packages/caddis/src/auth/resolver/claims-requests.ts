import type { Clock } from "../../io/clock.ts";
import type { Log } from "../../io/log.ts";
import { fromWireString } from "../../subject/subject.ts";
import { deleteAccounts } from "./claims-delete.ts";
import { listJson, logOutcome, outcomeJson, type ClaimsOutcome } from "./claims-reply.ts";
import { updateLoaded, updateStored, type UpdateContext } from "./claims-update.ts";
import { DirectoryResolver } from "./directory-resolver.ts";
import { lookupSubject } from "./peer-lookup.ts";
import type { Resolver } from "./resolver.ts";

/** A message on one of the subjects in the system account. */
export interface ClaimsRequest {
  /** A wire string. */
  readonly subject: string;
  /** Without headers; valid until `handle` returns its promise. */
  readonly payload: Uint8Array;
  /** Whether it names a subject for answers. */
  readonly wantsReply: boolean;
}

/** A subject that a server with a resolver listens on in the system account. */
export interface ClaimsEndpoint {
  readonly subject: string;
  /** Queue group; empty: each server gets each request. */
  readonly queue: string;
  /** Does what is asked, and calls `answer` with the text of each message to send back. Never rejects. */
  handle(request: ClaimsRequest, answer: (text: string) => void): Promise<void>;
}

/** What requests are answered from. */
export interface ClaimsRequestsContext extends UpdateContext {
  readonly systemAccount: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The block that says who answers, anew for each answer. */
  readonly server: () => object;
}

/** Account id in subjects that begin with `$SYS.REQ.ACCOUNT`, and in the older ones. */
const REQUEST_ID_TOKEN = 3;
const OLD_ID_TOKEN = 2;

const PACK_SUBJECT = "$SYS.REQ.CLAIMS.PACK";

/** The subjects that go with a resolver: which there are, and what is answered, depends on its kind. */
export function claimsEndpoints(
  resolver: Resolver,
  context: ClaimsRequestsContext,
): readonly ClaimsEndpoint[] {
  const requests = new ClaimsRequests(resolver, context);
  const endpoints = [
    requests.addressedUpdates("$SYS.ACCOUNT.*.CLAIMS.UPDATE", OLD_ID_TOKEN),
    requests.addressedUpdates("$SYS.REQ.ACCOUNT.*.CLAIMS.UPDATE", REQUEST_ID_TOKEN),
  ];
  if (!(resolver instanceof DirectoryResolver)) return endpoints;
  endpoints.push(requests.updates(resolver), requests.list(resolver), requests.deletions(resolver));
  if (resolver.kind === "full") endpoints.push(requests.lookups(resolver), requests.packs(resolver));
  return endpoints;
}

/** What one server asks of the others, so that they send what it lacks: the request goes out every `interval`. */
export function packRequest(resolver: DirectoryResolver): { subject: string; payload: Uint8Array } {
  return { subject: PACK_SUBJECT, payload: resolver.jwts.hash };
}

/** Takes in one answer to `packRequest`; an empty one is the last. */
export async function takePack(resolver: DirectoryResolver, payload: Uint8Array, log: Log): Promise<void> {
  const problems = await resolver.jwts.merge(textOf(payload));
  for (const problem of problems) log.error(`DirResolver - Merging resulted in error: ${problem}`);
}

class ClaimsRequests {
  readonly #resolver: Resolver;
  readonly #context: ClaimsRequestsContext;

  constructor(resolver: Resolver, context: ClaimsRequestsContext) {
    this.#resolver = resolver;
    this.#context = context;
  }

  addressedUpdates(subject: string, idToken: number): ClaimsEndpoint {
    return this.#outcomes(subject, (request) => {
      const accountId = fromWireString(request.subject.split(".")[idToken] ?? "");
      const resolver = this.#resolver;
      const jwt = textOf(request.payload);
      return resolver instanceof DirectoryResolver
        ? updateStored(resolver, this.#context, accountId, jwt)
        : updateLoaded(resolver, this.#context, accountId, jwt);
    });
  }

  updates(resolver: DirectoryResolver): ClaimsEndpoint {
    return this.#outcomes("$SYS.REQ.CLAIMS.UPDATE", ({ payload }) =>
      updateStored(resolver, this.#context, null, textOf(payload)),
    );
  }

  deletions({ jwts }: DirectoryResolver): ClaimsEndpoint {
    return this.#outcomes("$SYS.REQ.CLAIMS.DELETE", ({ payload }) => {
      const nowMs = this.#context.clock.nowMs();
      return deleteAccounts(jwts, { ...this.#context, nowMs }, textOf(payload));
    });
  }

  list({ jwts }: DirectoryResolver): ClaimsEndpoint {
    const { log, server } = this.#context;
    return questions("$SYS.REQ.CLAIMS.LIST", (_request, answer) => {
      const ids = jwts.list();
      log.debug(`list request responded with ${ids.length} account ids`);
      answer(listJson(server(), ids));
      return Promise.resolve();
    });
  }

  lookups({ jwts }: DirectoryResolver): ClaimsEndpoint {
    const { log } = this.#context;
    return questions(lookupSubject("*"), async ({ subject }, answer) => {
      const accountId = fromWireString(subject.split(".")[REQUEST_ID_TOKEN] ?? "");
      const loaded = await jwts.load(accountId);
      // Whoever asked waits for others then, which may know better.
      if (!loaded.ok) log.error(`DirResolver - Error looking up account: ${loaded.problem}`);
      else answer(loaded.value ?? "");
    });
  }

  /** Sends all JWTs to who holds others; an empty message is the end. */
  packs({ jwts }: DirectoryResolver): ClaimsEndpoint {
    return questions(
      PACK_SUBJECT,
      async ({ payload }, answer) => {
        if (Buffer.compare(payload, jwts.hash) !== 0) {
          for await (const line of jwts.pack()) answer(line);
        }
        answer("");
      },
      "responder",
    );
  }

  /** An endpoint that does something and says what came of it, in the log as well. */
  #outcomes(subject: string, work: (request: ClaimsRequest) => Promise<ClaimsOutcome>): ClaimsEndpoint {
    const { log, server } = this.#context;
    return {
      subject,
      queue: "",
      async handle(request, answer) {
        const outcome = await work(request);
        logOutcome(log, outcome);
        if (request.wantsReply) answer(outcomeJson(server(), outcome));
      },
    };
  }
}

/** An endpoint that only answers. */
function questions(subject: string, handle: ClaimsEndpoint["handle"], queue = ""): ClaimsEndpoint {
  return {
    subject,
    queue,
    handle: (request, answer) => (request.wantsReply ? handle(request, answer) : Promise.resolve()),
  };
}

function textOf(payload: Uint8Array): string {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("utf8");
}
