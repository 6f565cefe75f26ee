import { JWT_BYTES_MAX } from "../../auth/jwt.ts";

/** What a JWT says, as it stands in it, for people to read; null for what is none. Nothing is checked. */
export function jwtClaims(jwt: string): object | null {
  const [, payload] = jwt.split(".", 2);
  if (payload === undefined || jwt.length > JWT_BYTES_MAX) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    return typeof claims === "object" ? claims : null;
  } catch {
    return null;
  }
}
