import assert from "node:assert/strict";
import type { Disk } from "../../../packages/caddis/src/io/disk.ts";
import { VirtualClock } from "../../../packages/caddis/src/io/virtual-clock.ts";
import type { ServerOptions } from "../../../packages/caddis/src/server/embedded-options.ts";
import type { FaultyDisk } from "../faulty-disk.ts";
import { checkConsumers } from "./consumer-check.ts";
import type { Finding } from "./compare.ts";
import { type Found, findAll } from "./found.ts";
import { Ledger } from "./ledger.ts";
import { ServerOnDisk } from "./server-on-disk.ts";
import { User } from "./user.ts";

const START_MS = Date.UTC(2026, 0, 1);
/** Until what waits for an acknowledgement comes again, and copies have caught up. */
const CATCH_UP_MS = 12_000;
/** What falls due goes within so many milliseconds. */
const EXPIRY_MS = 2_000;
/** Within this an id is known, with the usual window of two minutes. */
const ID_KNOWN_MS = 60_000;
const IDS_TRIED = 3;

/** How a disk is to be used: as it is, or more slowly. */
export type Through = (disk: FaultyDisk, clock: VirtualClock) => Disk;

/** What was promised before, and when that was. */
export interface Past {
  readonly ledger: Ledger;
  readonly nowMs: number;
}

/** One store through the lives of its servers, and what they promised. Ends the server when it is disposed of. */
export class Trial implements AsyncDisposable {
  disk: FaultyDisk;
  readonly clock: VirtualClock;
  readonly ledger: Ledger;
  readonly #seed: number;
  readonly #options: ServerOptions;
  readonly #through: Through;
  #user: User | null = null;

  constructor(
    disk: FaultyDisk,
    seed: number,
    options: ServerOptions = {},
    through: Through = (same) => same,
    past: Past = { ledger: new Ledger(), nowMs: START_MS },
  ) {
    this.disk = disk;
    this.clock = new VirtualClock(setImmediate, past.nowMs);
    this.ledger = past.ledger;
    this.#seed = seed;
    this.#options = options;
    this.#through = through;
  }

  get user(): User {
    assert.ok(this.#user !== null, "there is a server");
    return this.#user;
  }

  get hasServer(): boolean {
    return this.#user !== null;
  }

  /** Starts a server. There is none afterwards where the disk did not let it. */
  async start(): Promise<void> {
    const disk = this.#through(this.disk, this.clock);
    try {
      const server = await ServerOnDisk.start(disk, this.clock, this.#seed, this.#options);
      this.#user = new User(server, this.ledger);
      await this.clock.settled();
    } catch (error) {
      if (!this.disk.isKilled && !this.disk.hasFailed) throw error;
    }
  }

  /** Ends the server, in good order where the disk lets it. */
  async stop(): Promise<void> {
    // What was sent was received, whether anybody has looked or not.
    await this.#user?.received();
    await this.#user?.server.stop();
    this.#user = null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async restart(): Promise<void> {
    await this.stop();
    if (!this.disk.isKilled) await this.start();
  }

  /** The power goes, or (`keepsSystem`) only the process. What is left is the disk from here on. */
  async crash(keepsSystem: boolean): Promise<void> {
    this.disk.killAt(this.disk.steps.length);
    await this.stop();
    this.disk = keepsSystem ? this.disk.restart() : this.disk.crash();
  }

  /** The same on a disk of its own, which is all synced: to go on with apart. */
  fork(): Trial {
    const past = { ledger: this.ledger.copy(), nowMs: this.clock.nowMs() };
    return new Trial(this.disk.crash(), this.#seed, this.#options, this.#through, past);
  }

  get warnings(): readonly string[] {
    return this.user.server.warnings;
  }

  /** Compares what a server that was just started has with all that was promised; goes on with what is there. */
  async check(): Promise<Finding[]> {
    const { ledger, user } = this;
    const findings = ledger.findings.splice(0);
    const first = await findAll(user.server);
    let nowMs = this.clock.nowMs();
    // What expired while there was no server goes in its own time.
    findings.push(...ledger.compare(first, { nowMs, expiredMs: -Infinity, hasCopied: false }));
    await user.server.advance(CATCH_UP_MS);
    const found = await findAll(user.server);
    nowMs = this.clock.nowMs();
    findings.push(...ledger.compare(found, { nowMs, expiredMs: nowMs - EXPIRY_MS, hasCopied: true }));
    for (const stream of found.values()) {
      if (stream !== null) findings.push(...(await checkConsumers(user, stream)));
    }
    ledger.adopt(found);
    findings.push(...(await this.#checkIds(found)));
    return findings.concat(ledger.findings.splice(0));
  }

  /** Messages that are there and are sent again under the same id are known. */
  async #checkIds(found: Found): Promise<Finding[]> {
    const findings: Finding[] = [];
    const { server } = this.user;
    for (const [name, { live }] of this.ledger.streams) {
      if ((found.get(name) ?? null) === null) continue;
      // What was restored under another name went to other subjects.
      const known = live.filter(
        ({ msgId, subject, sentMs }) =>
          msgId !== "" &&
          subject.startsWith(`${name.toLowerCase()}.`) &&
          this.clock.nowMs() < sentMs + ID_KNOWN_MS,
      );
      for (const { subject, text, msgId, seq } of known.slice(-IDS_TRIED)) {
        const came = await server.ask(subject, text, [`Nats-Msg-Id: ${msgId}`]);
        const ack = JSON.parse(came?.payload ?? "{}") as { duplicate?: boolean; seq?: number };
        if (ack.duplicate !== true || ack.seq !== seq)
          findings.push({
            stream: name,
            kind: "wrong",
            text: `${seq} is not known by its id: ${came?.payload}`,
          });
      }
    }
    return findings;
  }
}
