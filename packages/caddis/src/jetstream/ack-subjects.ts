import { serverHash } from "../auth/server-hash.ts";

/** Where acknowledgements and answers to flow control go. */
export const ACK_PREFIX = "$JS.ACK.";
export const FLOW_PREFIX = "$JS.FC.";

/**
 * What the acknowledgement subjects of one consumer begin with: `$JS.ACK.<stream>.<consumer>.`, or, in the newer form,
 * `$JS.ACK.<domain>.<account>.<stream>.<consumer>.`; the same for flow control. Names are wire strings; `domain` is
 * `_` where there is none.
 */
export function subjectPrefix(
  start: typeof ACK_PREFIX | typeof FLOW_PREFIX,
  owner: string,
  stream: string,
  consumer: string,
): string {
  return `${start}${owner}${stream}.${consumer}.`;
}

/** Domain and account as the newer form has them, with a dot behind each. */
export function ackOwner(domain: string, accountName: string): string {
  return `${domain === "" ? "_" : domain}.${serverHash(accountName)}.`;
}
