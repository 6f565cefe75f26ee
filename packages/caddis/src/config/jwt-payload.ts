/**
 * What a JWT of an operator, account or user says, **unverified**: the signature is for authentication to
 * check. Here it serves for options that follow from an operator's JWT, and to refuse early what is none.
 */
export interface JwtPayload {
  /** Whose claims these are: `operator`, `account`, `user`, … */
  readonly type: string;
  readonly subject: string;
  /** The members that depend on the type. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Characters of a JWT that are looked at: far above any real one. */
const JWT_LENGTH_MAX = 1024 * 1024;

/** Reads the payload of a JWT; text: what is wrong with it. */
export function jwtPayload(jwt: string): JwtPayload | string {
  const chunks = jwt.split(".", 4);
  if (chunks.length !== 3 || jwt.length > JWT_LENGTH_MAX) return "expected 3 chunks";
  const payload = jsonObject(chunks[1]);
  const claims = payload === null ? null : objectOf(payload["nats"]);
  if (payload === null || claims === null) return "unable to parse claims";
  // Version 1 has the type beside the claims, version 2 inside.
  const type = textOf(claims["type"]) || textOf(payload["type"]);
  return { type, subject: textOf(payload["sub"]), claims };
}

/** A member that is a text; empty when it is none. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function jsonObject(base64url: string): Readonly<Record<string, unknown>> | null {
  try {
    return objectOf(JSON.parse(Buffer.from(base64url, "base64url").toString("utf8")));
  } catch {
    return null;
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  // Own members only: a peer's `__proto__` is a member like any other after JSON.parse.
  return isObject ? (Object.assign(Object.create(null), value) as Record<string, unknown>) : null;
}
