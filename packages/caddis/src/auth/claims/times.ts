import type { ClaimsData } from "./claims.ts";
import type { RevocationList } from "./account.ts";

/** Whether claims hold at a time, or what the reference says of them. Both ends are whole seconds. */
export function timeProblems({ exp, nbf }: ClaimsData, nowMs: number): string[] {
  const now = Math.floor(nowMs / 1_000);
  const problems: string[] = [];
  // The reference lets a token in during its last second, to throw it out at once.
  if (exp !== 0 && exp <= now) problems.push("claim is expired");
  if (nbf > now) problems.push("claim is not yet valid");
  return problems;
}

/** When claims end, wall-clock milliseconds; 0: never. */
export function expiresMs({ exp }: ClaimsData): number {
  return exp * 1_000;
}

/** Whether what was issued to `subject` at `issuedAt`, Unix seconds, has been taken back since. */
export function isRevoked(revocations: RevocationList, subject: string, issuedAt: number): boolean {
  return [subject, "*"].some((key) => {
    const until = revocations.get(key);
    return until !== undefined && issuedAt <= until;
  });
}
