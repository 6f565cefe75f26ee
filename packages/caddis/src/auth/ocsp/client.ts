import type { Clock } from "../../io/clock.ts";
import type { OcspRequest, OcspTransport } from "../../io/ocsp.ts";
import type { Certificate } from "./certificate.ts";
import { buildRequest } from "./request.ts";
import { Slots } from "./slots.ts";

export type Method = OcspRequest["method"];

/**
 * What came of a question. `isUnreachable`: the responders did not answer; otherwise it was not even asked,
 * which must not count as their fault.
 */
export type Answer =
  | { readonly response: Uint8Array }
  | { readonly problem: string; readonly isUnreachable: boolean };

/** How a certificate's responders are asked. */
export interface Asking {
  readonly urls: readonly string[];
  /** Tried in this order at each responder. */
  readonly methods: readonly Method[];
  /** Of one responder, all methods together. */
  readonly timeoutMs: number;
}

/** Questions under way at a time: each is a socket. */
const ASKING_MAX = 64;

/**
 * Questions that wait for their turn: as many as peers that come back all at once after a restart. More are
 * not asked, so a flood of peers stays a bounded amount of work.
 */
const WAITING_MAX = 8_192;

/** Asks responders. One serves a whole server: its bounds hold for everything that is asked. */
export class OcspClient {
  readonly #transport: OcspTransport;
  readonly #clock: Clock;
  readonly #slots = new Slots(ASKING_MAX, WAITING_MAX);
  /** Questions under way: whoever asks the same meanwhile shares the answer. */
  readonly #pending = new Map<string, Promise<Answer>>();

  constructor(transport: OcspTransport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /** Asks for the status of `certificate`. Never rejects. */
  ask(certificate: Certificate, issuer: Certificate, asking: Asking): Promise<Answer> {
    const request = buildRequest(certificate, issuer);
    const key = `${asking.urls.join(" ")} ${asking.methods.join()} ${asking.timeoutMs} ${base64(request)}`;
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const answer = this.#inTurn(request, asking).finally(() => this.#pending.delete(key));
    this.#pending.set(key, answer);
    return answer;
  }

  async #inTurn(request: Uint8Array, asking: Asking): Promise<Answer> {
    if (!(await this.#slots.take()))
      return { problem: "too many OCSP requests are waiting", isUnreachable: false };
    try {
      return await this.#askAll(request, asking);
    } finally {
      this.#slots.give();
    }
  }

  async #askAll(request: Uint8Array, { urls, methods, timeoutMs }: Asking): Promise<Answer> {
    if (urls.length === 0) return { problem: "no available ocsp servers", isUnreachable: true };
    const problems: string[] = [];
    for (const url of urls) {
      const deadlineMs = this.#clock.monotonicMs() + timeoutMs;
      for (const method of methods) {
        const leftMs = deadlineMs - this.#clock.monotonicMs();
        if (leftMs <= 0) break;
        const answer = await this.#transport.send(requestTo(url, method, request), leftMs);
        if (typeof answer !== "string") return { response: answer };
        problems.push(answer);
      }
    }
    return { problem: `exhausted ocsp servers: ${problems.join("; ")}`, isUnreachable: true };
  }
}

/** RFC 6960, appendix A.1: a GET carries the question in its path. */
function requestTo(url: string, method: Method, body: Uint8Array): OcspRequest {
  const base = url.replace(/\/$/, "");
  if (method === "POST") return { method, url: base, body };
  return { method, url: `${base}/${encodeURIComponent(base64(body))}`, body: null };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
