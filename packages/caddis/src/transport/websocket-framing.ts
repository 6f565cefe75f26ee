import { MESSAGE_BYTES_MAX, MESSAGE_PAYLOADS_MAX, STRANGER_MESSAGE_BYTES_MAX } from "../base/limits.ts";
import type { Framing, MessageLimits } from "../io/websocket.ts";

/** Browsers take many short frames better than few long ones, says the reference's experiment. */
const BROWSER_FRAME_BYTES_MAX = 4096;

/** How to talk to who calls itself `userAgent`. Safari does not take a compressed message in several frames. */
export function browserFraming(userAgent: string, compresses: boolean): Framing {
  const isBrowser = userAgent.startsWith("Mozilla/");
  // Chrome names Safari too, but has no "Version/".
  const isSafari = isBrowser && userAgent.includes("Version/") && userAgent.includes("Safari/");
  return { compresses, frameBytesMax: isBrowser ? BROWSER_FRAME_BYTES_MAX : 0, cutsCompressed: !isSafari };
}

/** How large messages may be, where a NATS message may have `maxPayload` bytes and a protocol line `maxControlLine`. */
export function messageLimits(maxPayload: number, maxControlLine: number): MessageLimits {
  const admitted = Math.min(Math.max(maxPayload, 1) * MESSAGE_PAYLOADS_MAX, MESSAGE_BYTES_MAX);
  // A CONNECT of the length that is configured must fit.
  const stranger = Math.min(Math.max(STRANGER_MESSAGE_BYTES_MAX, 2 * maxControlLine), MESSAGE_BYTES_MAX);
  return { stranger, admitted: Math.max(admitted, stranger) };
}
