import { Timer, type TimerQueue } from "../../base/timer-queue.ts";
import { NOT_FOUND, type Fetched } from "./resolver.ts";

/** The other servers of the system account, as a resolver sees them. */
export interface Peers {
  /** How many servers may answer, this one included where it answers too. */
  readonly count: number;
  /** Publishes a request in the system account and passes on each answer until the function it gives is called. */
  request(subject: string, payload: string, onAnswer: (text: string) => void): () => void;
}

/** The subject on which servers ask each other for an account's JWT. */
export function lookupSubject(accountId: string): string {
  return `$SYS.REQ.ACCOUNT.${accountId}.CLAIMS.LOOKUP`;
}

/**
 * Asks other servers for an account's JWT: the first one that comes counts. An empty answer says that a server
 * has none; when all have said so there is none.
 */
export function askPeers(
  peers: Peers,
  timers: TimerQueue,
  accountId: string,
  timeoutMs: number,
): Promise<Fetched> {
  return new Promise((resolve) => {
    let expected = peers.count;
    let stop = (): void => undefined;
    const end = (result: Fetched): void => {
      timers.cancel(timer);
      stop();
      resolve(result);
    };
    const timer = new Timer(() => end({ found: false, reason: "fetching jwt timed out" }));
    timers.setIn(timer, timeoutMs);
    stop = peers.request(lookupSubject(accountId), "", (text) => {
      expected--;
      if (text !== "") end({ found: true, jwt: text });
      else if (expected <= 0) end(NOT_FOUND);
    });
  });
}
