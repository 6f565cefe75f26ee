import type { Client } from "./client.ts";

/** Messages and payload bytes, as clients see it: `in` is what they publish. */
export interface Traffic {
  readonly inMessages: number;
  readonly inBytes: number;
  readonly outMessages: number;
  readonly outBytes: number;
}

const NO_TRAFFIC: Traffic = { inMessages: 0, inBytes: 0, outMessages: 0, outBytes: 0 };

/** Up to so many connections are added up anew for each question. */
const FRESH_CLIENTS_MAX = 1_000;
/** What was added up for more of them counts for so long. */
const TOTAL_VALID_MS = 1_000;

/**
 * The connections of one account and what they send and get. Messages are counted by connection only, so that an
 * account costs them nothing; they are added up when somebody asks.
 */
export class AccountTraffic {
  /** With what each had to its name when it came. */
  readonly #clients = new Map<Client, Traffic>();
  /** Of those that have left. */
  #past = NO_TRAFFIC;
  #total = NO_TRAFFIC;
  #totalMs = -Infinity;

  get clientCount(): number {
    return this.#clients.size;
  }

  join(client: Client): void {
    this.#clients.set(client, trafficOf(client));
  }

  leave(client: Client): void {
    const before = this.#clients.get(client);
    if (before === undefined) return;
    this.#past = sum(this.#past, difference(trafficOf(client), before));
    this.#clients.delete(client);
  }

  /** All there was so far. With very many connections it may be a second old at `nowMs`, a monotonic time. */
  total(nowMs: number): Traffic {
    if (this.#clients.size > FRESH_CLIENTS_MAX && nowMs - this.#totalMs < TOTAL_VALID_MS) return this.#total;
    this.#total = this.#past;
    for (const [client, before] of this.#clients) {
      this.#total = sum(this.#total, difference(trafficOf(client), before));
    }
    this.#totalMs = nowMs;
    return this.#total;
  }
}

/** Most come with nothing, and share that. */
function trafficOf({ inMessages, inBytes, outbound }: Client): Traffic {
  if (inMessages === 0 && outbound.messageCount === 0) return NO_TRAFFIC;
  return { inMessages, inBytes, outMessages: outbound.messageCount, outBytes: outbound.payloadBytes };
}

function sum(a: Traffic, b: Traffic): Traffic {
  return {
    inMessages: a.inMessages + b.inMessages,
    inBytes: a.inBytes + b.inBytes,
    outMessages: a.outMessages + b.outMessages,
    outBytes: a.outBytes + b.outBytes,
  };
}

function difference(a: Traffic, b: Traffic): Traffic {
  return {
    inMessages: a.inMessages - b.inMessages,
    inBytes: a.inBytes - b.inBytes,
    outMessages: a.outMessages - b.outMessages,
    outBytes: a.outBytes - b.outBytes,
  };
}
