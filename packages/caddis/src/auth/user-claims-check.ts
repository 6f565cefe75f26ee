import { isPublicNkey } from "../base/nkey-text.ts";
import type { UserClaims } from "./claims/claims.ts";
import { permissionProblems } from "./claims/permissions-check.ts";
import { quote } from "./claims/subject-text.ts";
import { timeProblems } from "./claims/times.ts";
import { decodeClaims } from "./jwt.ts";
import { isProblem } from "./claims/fields.ts";
import { hasEmptyPermissions } from "./scope.ts";
import { isNetwork } from "./user-claims-source.ts";
import { isLocation, isTimeOfDay } from "./user-claims-times.ts";

/** What keeps a user's claims from being used, in the reference's words. Empty: nothing. */
export function userProblems({ nats }: UserClaims): readonly string[] {
  const { issuer_account: issuerAccount, src, times, times_location: location } = nats;
  const problems = [...permissionProblems(nats)];
  for (const network of src) {
    if (!isNetwork(network)) problems.push(`invalid cidr ${quote(network)} in user src limits`);
  }
  for (const { start, end } of times) {
    problems.push(...timeOfDayProblems("start", start), ...timeOfDayProblems("end", end));
  }
  if (location !== "" && location !== "Local" && !isLocation(location)) {
    problems.push(`could not parse iana time zone by name: unknown time zone ${location}`);
  }
  if (issuerAccount !== "" && !isPublicNkey("account", issuerAccount)) {
    problems.push("account_id is not an account public key");
  }
  return problems;
}

function timeOfDayProblems(which: string, time: string): string[] {
  if (time === "") return [`time ranges ${which} must contain a ${which}`];
  return isTimeOfDay(time) ? [] : [`${which} in time range is invalid ${quote(time)}`];
}

/** The same, and whether they hold at this time. */
export function userProblemsAt(claims: UserClaims, nowMs: number): readonly string[] {
  return [...timeProblems(claims, nowMs), ...userProblems(claims)];
}

/**
 * Why a token can't be `default_sentinel`, or null. It has to be a bearer token, since nobody signs for it, or one
 * that a scope may make so.
 */
export function sentinelProblem(jwt: string): string | null {
  const claims = decodeClaims("user", jwt);
  if (isProblem(claims)) return "default sentinel JWT not valid";
  const mayBecomeBearer = claims.nats.issuer_account !== "" && hasEmptyPermissions(claims);
  return claims.nats.bearer_token || mayBecomeBearer ? null : "default sentinel must be a bearer token";
}
