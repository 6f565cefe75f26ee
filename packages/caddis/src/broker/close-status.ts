import type { CloseStatus } from "../io/pipe.ts";
import { CLOSE_REASONS, type CloseReason } from "./close-reason.ts";

/** Status codes of RFC 6455, 7.4.1. */
const NORMAL = 1000;
const GOING_AWAY = 1001;
const PROTOCOL_ERROR = 1002;
const POLICY_VIOLATION = 1008;
const TOO_BIG = 1009;

/** Reasons that are no matter of policy; as in the reference. */
const CODES: Readonly<Partial<Record<CloseReason, number>>> = {
  clientClosed: NORMAL,
  readError: GOING_AWAY,
  staleConnection: GOING_AWAY,
  serverShutdown: GOING_AWAY,
  parseError: PROTOCOL_ERROR,
  protocolViolation: PROTOCOL_ERROR,
  badClientProtocolVersion: PROTOCOL_ERROR,
  maxPayloadExceeded: TOO_BIG,
};

/** What a WebSocket says when its connection ends for `reason`. */
export function closeStatus(reason: CloseReason): CloseStatus {
  return { code: CODES[reason] ?? POLICY_VIOLATION, text: CLOSE_REASONS[reason] };
}
