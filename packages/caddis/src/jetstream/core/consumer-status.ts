/** The header blocks by which a consumer says what is the matter, word for word the reference's. */

const START = "NATS/1.0 ";
const END = "\r\n\r\n";

export const PUSH_BASED = status("409 Consumer is push based");
export const NO_MESSAGES = status("404 No Messages");
export const REQUESTS_PENDING = status("408 Requests Pending");
export const MAX_WAITING = status("409 Exceeded MaxWaiting");
export const CONSUMER_DELETED = status("409 Consumer Deleted");
export const REQUIRED_API_LEVEL = status("412 Required Api Level");
export const PIN_MISMATCH = status("423 Nats-Pin-Id mismatch");
export const FLOW_CONTROL = status("100 FlowControl Request");

/** Why a pull request ends before its batch is full. */
const PULL_ENDS = {
  timeout: "408 Request Timeout",
  maxBytes: "409 Message Size Exceeds MaxBytes",
  completed: "409 Batch Completed",
  wrongPin: "423 Nats-Wrong-Pin-Id",
  shutdown: "409 Server Shutdown",
} as const;

export type PullEnd = keyof typeof PULL_ENDS;

/** `line`: status code and description. */
export function status(line: string): string {
  return START + line + END;
}

export function badRequest(reason: string): string {
  return status(`400 Bad Request - ${reason}`);
}

/** What is left of a pull request that ends: messages and bytes. */
export function pullEnded(end: PullEnd, messages: number, bytes: number): string {
  return `${START}${PULL_ENDS[end]}\r\nNats-Pending-Messages: ${messages}\r\nNats-Pending-Bytes: ${bytes}${END}`;
}

/** `stalledBy`: the reply of the flow control request that is not answered; empty: none. */
export function idleHeartbeat(lastConsumer: number, lastStream: number, stalledBy: string): string {
  const stalled = stalledBy === "" ? "" : `\r\nNats-Consumer-Stalled: ${stalledBy}`;
  return `${START}100 Idle Heartbeat\r\nNats-Last-Consumer: ${lastConsumer}\r\nNats-Last-Stream: ${lastStream}${stalled}${END}`;
}
