import type { Client } from "../broker/client.ts";
import type { Account } from "../broker/account.ts";
import type { SubjectRules } from "../config/permissions.ts";
import { formatDuration } from "../config/duration.ts";
import { fromWireString } from "../subject/subject.ts";

/** Imports and rules that are listed; what is beyond stands in the configuration. */
const LISTED_MAX = 100;

/** What a connection may do. Subjects are texts. Fields that are undefined are left out. */
export interface Rights {
  readonly publish: ShownRules;
  readonly subscribe: ShownRules;
  /** How it may answer requests beyond that; absent: only by the lists. */
  readonly responses: { readonly max: number; readonly expires: string } | undefined;
  /** -1: no bound. */
  readonly max_subscriptions: number;
  readonly max_payload: number;
}

/** One direction. No `allow`: everything that is not denied. */
export interface ShownRules {
  readonly allow: readonly string[] | undefined;
  readonly deny: readonly string[] | undefined;
}

/** What an account takes from others: `subject` there, `here` as its own clients see it. */
export interface ShownImport {
  readonly kind: "stream" | "service";
  readonly account: string;
  readonly subject: string;
  readonly here: string;
}

/** What `client` may do now. */
export function rightsOf({ authorizer, subscriptionsMax, parser }: Client): Rights {
  const limits = { max_subscriptions: subscriptionsMax, max_payload: parser.maxPayload };
  if (authorizer === null) {
    const everything = { allow: undefined, deny: undefined };
    return { publish: everything, subscribe: everything, responses: undefined, ...limits };
  }
  const { permissions, responses } = authorizer;
  // Whoever may answer may publish nothing else, unless a list says so.
  const closed = responses !== null && permissions.publish.allow === null;
  return {
    publish: shownRules(closed ? { ...permissions.publish, allow: [] } : permissions.publish),
    subscribe: shownRules(permissions.subscribe),
    responses:
      responses === null
        ? undefined
        : {
            max: responses.max,
            expires: responses.expiresMs > 0 ? formatDuration(responses.expiresMs) : "never",
          },
    ...limits,
  };
}

/** What `account` takes from others. */
export function importsOf({ imports }: Account): ShownImport[] {
  return [...imports.streams, ...imports.services].slice(0, LISTED_MAX).map(({ link }) => ({
    kind: link.kind,
    account: link.exporter,
    subject: fromWireString(link.renaming.there),
    here: fromWireString(link.renaming.here),
  }));
}

/** `everything`, `nothing`, or the rules in a sentence. */
export function rulesText({ allow, deny }: ShownRules): string {
  const allowed = allow === undefined ? "everything" : allow.length === 0 ? "nothing" : allow.join(", ");
  return deny === undefined ? allowed : `${allowed}, but not ${deny.join(", ")}`;
}

function shownRules({ allow, deny }: SubjectRules): ShownRules {
  return {
    allow: allow?.slice(0, LISTED_MAX),
    deny: deny.length === 0 ? undefined : deny.slice(0, LISTED_MAX),
  };
}
