import { isProblem } from "../auth/claims/fields.ts";
import type { Broker } from "../broker/broker.ts";
import { RequestBody } from "./requests/request-body.ts";
import { jwtClaims } from "./views/jwt-claims.ts";

/** An account's or user's key, which is all that is taken out of a JWT. */
const NKEY = /^[A-Z2-7]{56}$/;

/**
 * Subjects of the requests that change something and are answered here: to listen on others would keep who asks in vain
 * from learning that nobody answers.
 */
export function auditedSubjects({ serverId, options: { resolver } }: Broker): readonly string[] {
  const subjects = ["RELOAD", "KICK", "LDM"].map((order) => `$SYS.REQ.SERVER.${serverId}.${order}`);
  if (resolver === null) return subjects;
  subjects.push("$SYS.REQ.ACCOUNT.*.CLAIMS.UPDATE", "$SYS.ACCOUNT.*.CLAIMS.UPDATE");
  const isFolder = resolver.type === "full" || resolver.type === "cache";
  if (isFolder) subjects.push("$SYS.REQ.CLAIMS.UPDATE", "$SYS.REQ.CLAIMS.DELETE");
  return subjects;
}

/** What a request is about: a connection by its number, or an account by its key. Nothing else of it is kept. */
export function orderDetails(payload: Buffer): { readonly target?: number | string } {
  const body = RequestBody.parse(payload);
  if (!isProblem(body)) {
    const cid = body.uint("cid");
    return cid > 0 ? { target: cid } : {};
  }
  const claims = jwtClaims(payload.toString("utf8"));
  const subject: unknown =
    claims !== null && Object.hasOwn(claims, "sub") ? Reflect.get(claims, "sub") : null;
  return typeof subject === "string" && NKEY.test(subject) ? { target: subject } : {};
}
