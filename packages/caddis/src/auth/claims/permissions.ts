import { Fields } from "./fields.ts";

/** Subjects of one direction. Null: the list is absent. */
export interface SubjectPermission {
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[];
}

/** Leave to answer requests. */
export interface ResponsePermission {
  readonly max: number;
  /** Nanoseconds. */
  readonly ttl: number;
}

/** What users may do, as tokens say it. */
export interface TokenPermissions {
  readonly pub: SubjectPermission;
  readonly sub: SubjectPermission;
  readonly resp: ResponsePermission | null;
}

/** A part of each day, `HH:MM:SS` to `HH:MM:SS`. */
export interface TimeRange {
  readonly start: string;
  readonly end: string;
}

/** What users may do, and under which conditions: of a user, or of those that a scoped key signs. */
export interface UserPermissionLimits extends TokenPermissions {
  /** Networks the client has to come from; empty: any. */
  readonly src: readonly string[];
  readonly times: readonly TimeRange[];
  /** IANA name of the zone that `times` are in; empty: the server's. */
  readonly times_location: string;
  /** -1: no limit, also for the next two. */
  readonly subs: number;
  readonly data: number;
  readonly payload: number;
  readonly bearer_token: boolean;
  readonly proxy_required: boolean;
  readonly allowed_connection_types: readonly string[];
}

/** Reads `pub`, `sub` and `resp`. */
export function readPermissions(fields: Fields): TokenPermissions {
  const resp = fields.objectOrNull("resp");
  return {
    pub: readSubjects(fields.object("pub")),
    sub: readSubjects(fields.object("sub")),
    resp: resp === null ? null : { max: resp.int("max"), ttl: resp.int("ttl") },
  };
}

/** Reads a user's or a template's part; `limit` is what an absent limit means. */
export function readUserPermissionLimits(fields: Fields, limit: number): UserPermissionLimits {
  return {
    ...readPermissions(fields),
    src: readNetworks(fields),
    times: fields.list("times", readTimeRange),
    times_location: fields.string("times_location"),
    subs: fields.int("subs", limit),
    data: fields.int("data", limit),
    payload: fields.int("payload", limit),
    bearer_token: fields.bool("bearer_token"),
    proxy_required: fields.bool("proxy_required"),
    allowed_connection_types: fields.strings("allowed_connection_types"),
  };
}

function readSubjects(fields: Fields): SubjectPermission {
  return { allow: fields.stringsOrNull("allow"), deny: fields.strings("deny") };
}

function readTimeRange(value: unknown, where: string): TimeRange {
  const fields = new Fields(value, where);
  return { start: fields.string("start"), end: fields.string("end") };
}

/** A list, or as in old tokens one string with commas. */
function readNetworks(fields: Fields): readonly string[] {
  if (typeof fields.raw("src") !== "string") return fields.strings("src");
  const networks = fields.string("src").toLowerCase().split(",");
  return networks.map((network) => network.trim()).filter((network) => network !== "");
}
