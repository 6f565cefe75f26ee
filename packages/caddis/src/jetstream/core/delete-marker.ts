import type { PublishHeaders } from "./publish-headers.ts";

const SECONDS_PER_MINUTE = 60;
const SECONDS_PER_HOUR = 3600;
const NS_PER_SECOND = 1e9;

/** The value of `KV-Operation` by which a client of a key-value store says that a key is gone for good. */
const PURGED = "PURGE";

/** The header block of a message that says that the last message of its subject became too old. */
export function deleteMarkerHeaders(ttlNs: number): string {
  const ttl = wholeSeconds(Math.floor(ttlNs / NS_PER_SECOND));
  return `NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: ${ttl}\r\nNats-Rollup: sub\r\n\r\n`;
}

/** Whether a stored message is such a marker, or a client's own: it is not followed by another one. */
export function isDeleteMarker(headers: PublishHeaders): boolean {
  return headers.get("Nats-Marker-Reason") !== "" || headers.get("KV-Operation") === PURGED;
}

/** As Go writes a duration of whole seconds: `1h0m5s`. */
function wholeSeconds(seconds: number): string {
  const hours = Math.floor(seconds / SECONDS_PER_HOUR);
  const minutes = Math.floor((seconds % SECONDS_PER_HOUR) / SECONDS_PER_MINUTE);
  const rest = `${seconds % SECONDS_PER_MINUTE}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}
