import { parseAuthority, parseOrigin } from "../config/origin.ts";
import type { UpgradeRequest } from "../io/websocket.ts";

/** From which pages browsers may connect. */
export interface OriginRules {
  readonly same_origin: boolean;
  /** Absolute URLs; empty: any. */
  readonly allowed_origins: readonly string[];
}

/**
 * Why a request may not come from the page that it comes from; null: it may. One without `Origin` is from no
 * browser and could write anything there (RFC 6455, 1.6), so it is let through.
 */
export function originProblem(request: UpgradeRequest, rules: OriginRules): string | null {
  if (!rules.same_origin && rules.allowed_origins.length === 0) return null;
  const text = field(request, "origin") || field(request, "sec-websocket-origin");
  if (text === "") return null;
  const origin = parseOrigin(text);
  if (typeof origin === "string") return origin;
  if (rules.same_origin) {
    const own = parseAuthority(field(request, "host"), request.isSecure);
    const scheme = request.isSecure ? "https" : "http";
    if (origin.scheme !== scheme || origin.host !== own?.host || origin.port !== own.port) {
      return "not same origin";
    }
  }
  if (rules.allowed_origins.length === 0) return null;
  const isAllowed = rules.allowed_origins.some((url) => {
    const allowed = parseOrigin(url);
    return (
      typeof allowed !== "string" &&
      allowed.scheme === origin.scheme &&
      allowed.host === origin.host &&
      allowed.port === origin.port
    );
  });
  return isAllowed ? null : "not in the allowed list";
}

function field({ headers }: UpgradeRequest, name: string): string {
  return headers.get(name)?.[0] ?? "";
}
