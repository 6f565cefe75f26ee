import { createHash } from "node:crypto";
import { Timer, type TimerQueue } from "../../base/timer-queue.ts";
import { formatDuration } from "../../config/duration.ts";
import type { Clock } from "../../io/clock.ts";
import type { Log } from "../../io/log.ts";
import type { OcspFolder } from "../../io/ocsp.ts";
import type { Certificate } from "./certificate.ts";
import type { OcspClient } from "./client.ts";
import { isCurrent, verifyResponse, type CertificateStatus } from "./verify.ts";

/** What a monitor needs of the world. */
export interface StaplerDeps {
  readonly client: OcspClient;
  /** Where responses are kept over a restart; null: nowhere. */
  readonly folder: OcspFolder | null;
  readonly clock: Clock;
  readonly timers: TimerQueue;
  readonly log: Log;
  /** The server may not go on: a certificate that has to be good is not. */
  readonly onFatal: (reason: string) => void;
}

/** A certificate of the server whose status is shown along with it. */
export interface Stapled {
  /** Who connects: `Client`; for the log. */
  readonly kind: string;
  /** The certificate's file; for the log. */
  readonly name: string;
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  /** Asked for its status. */
  readonly urls: readonly string[];
  /** Whether a status other than good ends the server. */
  readonly mustBeGood: boolean;
}

/** A response that was verified. */
interface Known {
  readonly response: Buffer;
  readonly status: CertificateStatus;
}

/** The next question when the response does not say how long it holds; as in the reference. */
const DEFAULT_INTERVAL_MS = 24 * 3_600_000;
/** The next question when what is known has run out; as in the reference. */
const RETRY_INTERVAL_MS = 2 * 60_000;
/** Not more often, however little is left: half of what is left would come to no end. */
const MIN_INTERVAL_MS = 1_000;
/** How far the responder's clock may be from ours, as for peers. */
const CLOCK_SKEW_MS = 30_000;
/** One responder's time; the reference's. */
const TIMEOUT_MS = 30_000;
/** A response file is not larger than a response; see `io/node/ocsp-http.ts`. */
const FILE_BYTES_MAX = 64 * 1024;

/** Keeps the status of one certificate of the server at hand. */
export class StapleMonitor {
  readonly stapled: Stapled;
  readonly #deps: StaplerDeps;
  readonly #timer = new Timer(() => void this.#refresh());
  #known: Known | null;
  #isClosed = false;

  /** `earlier`: the monitor of the same certificate before a reload; what it knows is taken over. */
  constructor(stapled: Stapled, earlier: StapleMonitor | null, deps: StaplerDeps) {
    this.stapled = stapled;
    this.#deps = deps;
    this.#known = earlier === null ? null : earlier.#known;
  }

  /** Gets a first status. Returns why the server must not use this certificate, or null. */
  async prepare(): Promise<string | null> {
    const { name, mustBeGood } = this.stapled;
    if (this.staple() === null) await this.#load();
    const problem = this.staple() === null ? await this.#ask() : null;
    if (problem !== null) return `bad OCSP status update for certificate at '${name}': ${problem}`;
    const status = this.#known?.status.status;
    if (mustBeGood && status !== "good")
      return `found existing OCSP status for certificate at '${name}': ${status}`;
    return null;
  }

  /** Asks again from time to time, until `close`. After `prepare`. */
  start(): void {
    this.#report("Found");
  }

  /** The response to show now; null when there is none that holds. */
  staple(): Buffer | null {
    if (this.#known === null) return null;
    const { response, status } = this.#known;
    return isCurrent(status, this.#deps.clock.nowMs(), CLOCK_SKEW_MS, Infinity) ? response : null;
  }

  close(): void {
    this.#isClosed = true;
    this.#deps.timers.cancel(this.#timer);
  }

  async #refresh(): Promise<void> {
    const problem = await this.#ask();
    if (this.#isClosed) return;
    if (problem === null) {
      this.#report("Received");
      return;
    }
    const wait = formatDuration(this.#schedule());
    const { log } = this.#deps;
    log.error(
      `Bad OCSP status update for certificate '${this.stapled.name}': ${problem}, trying again in ${wait}`,
    );
  }

  /** Says what was learnt, and sees to the next question or to the server's end. */
  #report(verb: "Found" | "Received"): void {
    const { log, onFatal } = this.#deps;
    const { kind, name, mustBeGood } = this.stapled;
    const status = this.#known?.status.status ?? "unknown";
    const text = `${verb} OCSP status for ${kind} certificate at '${name}': ${status}`;
    if (status === "good") {
      const waitMs = this.#schedule();
      const next = this.#known?.status.nextUpdateMs ?? null;
      const nextText = next === null ? "not said" : new Date(next).toISOString();
      log.info(`${text}, next update ${nextText}, checking again in ${formatDuration(waitMs)}`);
      return;
    }
    log.error(text);
    if (mustBeGood) onFatal(text);
    else this.#schedule();
  }

  /** Sets the time of the next question: half of what is left. Returns the milliseconds until then. */
  #schedule(): number {
    const { clock, timers } = this.#deps;
    const waitMs = intervalMs(this.#known?.status ?? null, clock.nowMs());
    timers.setIn(this.#timer, waitMs);
    return waitMs;
  }

  async #ask(): Promise<string | null> {
    const { certificate, issuer, urls } = this.stapled;
    const answer = await this.#deps.client.ask(certificate, issuer, {
      urls,
      methods: ["POST", "GET"],
      timeoutMs: TIMEOUT_MS,
    });
    if ("problem" in answer) return answer.problem;
    const problem = this.#learn(answer.response);
    if (problem !== null) return `failed to get remote status: ${problem}`;
    await this.#save(answer.response);
    return null;
  }

  async #load(): Promise<void> {
    const { folder, log } = this.#deps;
    const file = await folder?.read(this.#fileName(), FILE_BYTES_MAX);
    if (file === undefined || file === null) return;
    const problem = typeof file === "string" ? file : this.#learn(file);
    if (problem !== null) log.debug(`Stored OCSP status of '${this.stapled.name}' is of no use: ${problem}`);
  }

  async #save(response: Uint8Array): Promise<void> {
    const { folder, log } = this.#deps;
    const problem = (await folder?.write(this.#fileName(), response)) ?? null;
    if (problem !== null) log.warn(`failed to write ocsp status: ${problem}`);
  }

  /** Takes a response over, or says why not: what was known before stays then. */
  #learn(response: Uint8Array): string | null {
    const { certificate, issuer } = this.stapled;
    const nowMs = this.#deps.clock.nowMs();
    const status = verifyResponse(response, certificate, issuer, nowMs, CLOCK_SKEW_MS);
    if ("problem" in status) return status.detail;
    if (!isCurrent(status, nowMs, CLOCK_SKEW_MS, Infinity)) return "it does not hold at this time";
    this.#known = { response: Buffer.from(response), status };
    return null;
  }

  /** The reference's name: the SHA-256 of the certificate, hex. */
  #fileName(): string {
    return createHash("sha256").update(this.stapled.certificate.der).digest("hex");
  }
}

function intervalMs(status: CertificateStatus | null, nowMs: number): number {
  if (status === null) return RETRY_INTERVAL_MS;
  if (status.nextUpdateMs === null) return DEFAULT_INTERVAL_MS;
  const leftMs = status.nextUpdateMs - nowMs;
  return leftMs < 0 ? RETRY_INTERVAL_MS : Math.max(MIN_INTERVAL_MS, leftMs / 2);
}
