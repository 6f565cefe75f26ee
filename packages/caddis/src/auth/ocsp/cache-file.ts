import type { Status } from "./response.ts";
import { packS2, unpackS2 } from "../../base/s2-frame.ts";

/** What was learnt about one certificate. */
export interface CachedResponse {
  /** For people. */
  readonly subject: string;
  readonly cachedAtMs: number;
  readonly status: Status;
  /** Null: the responder did not say. */
  readonly expiresMs: number | null;
  /** DER, verified when it came and to be verified when it is used. */
  readonly response: Uint8Array;
}

/** How Go writes a time that was not set. */
const NO_TIME = "0001-01-01T00:00:00Z";

/** No response is longer; see `io/node/ocsp-http.ts`. */
const RESPONSE_BYTES_MAX = 64 * 1024;

/** Base64 of a SHA-256. */
const KEY = /^[A-Za-z0-9+/]{43}=$/;

/** The cache as the reference keeps it in `cache.json`: an object of answers by the SHA-256 of the certificate. */
export function formatCacheFile(entries: Iterable<readonly [string, CachedResponse]>): string {
  const rows = [...entries].map(([key, entry]) => [
    key,
    {
      ...(entry.subject === "" ? {} : { subject: entry.subject }),
      cached_at: timeText(Math.round(entry.cachedAtMs / 1000) * 1000),
      resp_status: entry.status,
      resp_expires: entry.expiresMs === null ? NO_TIME : timeText(entry.expiresMs),
      resp: Buffer.from(packS2(entry.response)).toString("base64"),
    },
  ]);
  return JSON.stringify(Object.fromEntries(rows), null, 1);
}

/**
 * Reads what `formatCacheFile` or the reference wrote; null when it is not of that form. Entries that make no
 * sense are left out: what they were about is asked for again.
 */
export function parseCacheFile(text: string): Map<string, CachedResponse> | null {
  const rows = parseObject(text);
  if (rows === null) return null;
  const entries = new Map<string, CachedResponse>();
  for (const [key, row] of Object.entries(rows)) {
    const entry = KEY.test(key) ? parseEntry(row) : null;
    if (entry !== null) entries.set(key, entry);
  }
  return entries;
}

function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function parseEntry(row: unknown): CachedResponse | null {
  if (typeof row !== "object" || row === null) return null;
  const fields = new Map<string, unknown>(Object.entries(row));
  const packed = fields.get("resp");
  const status = fields.get("resp_status");
  const expires = fields.get("resp_expires");
  const subject = fields.get("subject");
  const cachedAtMs = Date.parse(String(fields.get("cached_at")));
  if (typeof packed !== "string" || !isStatus(status) || Number.isNaN(cachedAtMs)) return null;
  const response = unpackS2(Buffer.from(packed, "base64"), RESPONSE_BYTES_MAX);
  if (response === null) return null;
  const expiresMs = typeof expires === "string" && expires !== NO_TIME ? Date.parse(expires) : NaN;
  return {
    subject: typeof subject === "string" ? subject : "",
    cachedAtMs,
    status,
    expiresMs: Number.isNaN(expiresMs) ? null : expiresMs,
    response,
  };
}

function isStatus(value: unknown): value is Status {
  return value === "good" || value === "revoked" || value === "unknown";
}

/** RFC 3339 in whole seconds, as Go writes what has no fraction. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}
