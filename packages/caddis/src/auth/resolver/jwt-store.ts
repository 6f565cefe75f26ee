import { createHash } from "node:crypto";
import { isPublicNkey } from "../../base/nkey-text.ts";
import { Timer, type TimerQueue } from "../../base/timer-queue.ts";
import type { ClaimsDirectory, FileResult } from "../../io/claims-directory.ts";
import type { Clock } from "../../io/clock.ts";
import type { Log } from "../../io/log.ts";
import { isProblem } from "../claims/fields.ts";

import { decodeAccount, UNTRUSTED, type ClaimsHead, type ClaimsRules } from "./claims.ts";
import { ClaimsIndex } from "./claims-index.ts";
import type { StoreResult } from "./resolver.ts";

const EXTENSION = ".jwt";
/** What a deleted account's file is called where deleting keeps it. */
const DELETED = ".deleted";

/** Expired files are looked for this often, as in the reference; with a short `ttl` more often. */
const SWEEP_MS_MAX = 60_000;
/** …but no more often than this. */
const SWEEP_MS_MIN = 100;

/** How a store keeps its JWTs. */
export interface StoreRules {
  /** How many; `Infinity`: any number. */
  readonly limit: number;
  /** At the limit the least recently used goes; else the new one is refused. */
  readonly evicts: boolean;
  /** How long an unused JWT stays, milliseconds; 0: until it expires. */
  readonly ttlMs: number;
  /** What deleting does with a file; "none": deleting is not allowed. */
  readonly deletion: "none" | "rename" | "remove";
}

/** What a store works with. */
export interface StorePorts {
  readonly directory: ClaimsDirectory;
  readonly clock: Clock;
  readonly timers: TimerQueue;
  readonly log: Log;
  readonly claims: ClaimsRules;
}

/** Who wants to hear of changes. */
export interface StoreListener {
  onStored(accountId: string, jwt: string): void;
  onDeleted(accountId: string): void;
}

/**
 * Account JWTs in a folder, one file each. Only what a trusted operator signed gets in. Files that are no
 * account's JWT are named in the log once and left alone.
 */
export class JwtStore {
  readonly deletion: StoreRules["deletion"];
  readonly path: string;
  listener: StoreListener | null = null;
  readonly #rules: StoreRules;
  readonly #ports: StorePorts;
  #index: ClaimsIndex;
  readonly #sweepTimer = new Timer(() => void this.#exclusively(() => this.#sweep()));
  /** Changes happen one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(rules: StoreRules, ports: StorePorts) {
    this.deletion = rules.deletion;
    this.path = ports.directory.path;
    this.#rules = rules;
    this.#ports = ports;
    this.#index = new ClaimsIndex(rules.ttlMs);
  }

  /** XOR of the SHA-256 of all JWTs. */
  get hash(): Uint8Array {
    return this.#index.hash;
  }

  /** Reads the folder, anew on a reload: what has changed meanwhile is told. A text says what failed. */
  open(): Promise<string | null> {
    return this.#exclusively(() => this.#scan());
  }

  /** The JWT of an account; null: there is none, or its file is damaged. */
  async load(id: string): Promise<FileResult<string | null>> {
    if (!isPublicNkey("account", id)) return { ok: false, problem: "invalid public key" };
    const read = await this.#ports.directory.read(id + EXTENSION);
    if (!read.ok || read.value === null) return read;
    const jwt = read.value.trim();
    if (isProblem(decodeAccount(this.#ports.claims, jwt, id))) return { ok: true, value: null };
    this.#index.touch(id, this.#ports.clock.nowMs());
    return { ok: true, value: jwt };
  }

  /** Keeps a JWT, whatever is there. */
  save(id: string, jwt: string): Promise<StoreResult> {
    return this.#exclusively(async () => {
      const checked = this.#check(id, jwt);
      return typeof checked === "string" ? refused(checked) : await this.#write(id, jwt, checked);
    });
  }

  /** Keeps a JWT unless the one that is there was issued later. */
  saveIfNewer(id: string, jwt: string): Promise<StoreResult> {
    return this.#exclusively(async () => {
      const checked = this.#check(id, jwt);
      if (typeof checked === "string") return refused(checked);
      const read = await this.#ports.directory.read(id + EXTENSION);
      if (!read.ok) return refused(read.problem);
      const existing = this.#check(id, (read.value ?? "").trim());
      // What is damaged, or signed by nobody we trust, gives way.
      if (typeof existing !== "string" && !isNewer(checked, existing)) return KEPT;
      return await this.#write(id, jwt, checked);
    });
  }

  /** Deletes an account's JWT, as far as it is there; a text says what failed. */
  delete(id: string): Promise<string | null> {
    return this.#exclusively(async () => {
      if (this.deletion === "none") return "store is not set up to for delete";
      if (!isPublicNkey("account", id)) return "invalid public key";
      const { directory } = this.#ports;
      const name = id + EXTENSION;
      const gone = await (this.deletion === "rename"
        ? directory.rename(name, name + DELETED)
        : directory.remove(name));
      if (!gone.ok) return gone.problem;
      this.#index.delete(id);
      this.listener?.onDeleted(id);
      return null;
    });
  }

  /** The accounts whose JWTs are held and not expired. */
  list(): string[] {
    return this.#index.valid(this.#ports.clock.nowMs());
  }

  /** The same with their JWTs, one `id|jwt` after the other. What can't be read is named in the log. */
  async *pack(): AsyncGenerator<string> {
    for (const id of this.list()) {
      const read = await this.load(id);
      if (!read.ok) this.#ports.log.error(`JWT store: ${read.problem}`);
      else if (read.value !== null) yield `${id}|${read.value}`;
    }
  }

  /** Takes in what another server packed, as far as it is newer; texts say what was refused. */
  async merge(pack: string): Promise<string[]> {
    const problems: string[] = [];
    for (const line of pack.split("\n")) {
      if (line === "") continue;
      const [id, jwt, ...rest] = line.split("|");
      if (jwt === undefined || rest.length > 0) problems.push("line in package didn't contain 2 entries");
      else if (!isPublicNkey("account", id)) problems.push("key to merge is not a valid public account key");
      else {
        const merged = await this.saveIfNewer(id, jwt);
        if (!merged.stored) problems.push(`${id}: ${merged.reason}`);
      }
    }
    return problems;
  }

  /** Lets what was begun end, and begins nothing more. */
  async close(): Promise<void> {
    await this.#exclusively(() => {
      this.#isClosed = true;
      return Promise.resolve();
    });
    this.#ports.timers.cancel(this.#sweepTimer);
  }

  /** Runs `work`, which never rejects, when all that was asked for before is done. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done;
    return done;
  }

  /** The claims of a JWT that may be kept for `id`, or what is wrong with it. */
  #check(id: string, jwt: string): ClaimsHead | string {
    if (!isPublicNkey("account", id)) return "invalid public key";
    const claims = decodeAccount(this.#ports.claims, jwt, id);
    if (isProblem(claims)) return claims.problem;
    return this.#ports.claims.isTrusted(claims.iss) ? claims : UNTRUSTED;
  }

  async #write(id: string, jwt: string, claims: ClaimsHead): Promise<StoreResult> {
    if (this.#isClosed) return refused("jwt store is closed");
    const hash = sha256(jwt);
    if (this.#index.matches(id, hash)) {
      this.#index.touch(id, this.#ports.clock.nowMs());
      return KEPT;
    }
    const isFull = !this.#index.has(id) && this.#index.size >= this.#rules.limit;
    if (isFull && !this.#rules.evicts) return refused("jwt store is full");
    const written = await this.#ports.directory.write(id + EXTENSION, jwt);
    if (!written.ok) return refused(written.problem);
    this.#index.set(id, hash, expiryMs(claims), this.#ports.clock.nowMs());
    if (isFull) await this.#evict();
    this.listener?.onStored(id, jwt);
    return { stored: true, changed: true };
  }

  async #evict(): Promise<void> {
    const id = this.#index.oldest();
    if (id !== undefined) await this.#removeFile(id);
  }

  async #removeFile(id: string): Promise<void> {
    const removed = await this.#ports.directory.remove(id + EXTENSION);
    if (removed.ok) this.#index.delete(id);
    else this.#ports.log.error(`JWT store: ${removed.problem}`);
  }

  /** Removes what has expired, or was not used for too long. */
  async #sweep(): Promise<void> {
    for (const id of this.#index.due(this.#ports.clock.nowMs())) await this.#removeFile(id);
    if (this.#isClosed) return;
    const halfTtlMs = this.#rules.ttlMs > 0 ? this.#rules.ttlMs / 2 : SWEEP_MS_MAX;
    const delayMs = Math.max(SWEEP_MS_MIN, Math.min(halfTtlMs, SWEEP_MS_MAX));
    this.#ports.timers.setIn(this.#sweepTimer, delayMs);
  }

  async #scan(): Promise<string | null> {
    const { directory, clock, log } = this.#ports;
    const opened = await directory.open();
    if (!opened.ok) return opened.problem;
    const names = await directory.names();
    if (!names.ok) return names.problem;
    const before = this.#index;
    this.#index = new ClaimsIndex(this.#rules.ttlMs);
    for (const name of names.value) {
      if (!name.endsWith(EXTENSION)) continue;
      const found = await this.#readClaims(name);
      if (typeof found === "string") {
        log.warn(`JWT store: left alone ${found}`);
        continue;
      }
      const { claims, jwt } = found;
      const hash = sha256(jwt);
      this.#index.set(claims.sub, hash, expiryMs(claims), clock.nowMs());
      if (!before.matches(claims.sub, hash)) this.listener?.onStored(claims.sub, jwt);
    }
    await this.#sweep();
    return null;
  }

  /** What a file holds, or its name and what is wrong with it. */
  async #readClaims(name: string): Promise<{ claims: ClaimsHead; jwt: string } | string> {
    const id = name.slice(0, -EXTENSION.length);
    if (!isPublicNkey("account", id)) return `${JSON.stringify(name)}: not named after an account`;
    const read = await this.#ports.directory.read(name);
    if (!read.ok) return read.problem;
    const jwt = (read.value ?? "").trim();
    const claims = decodeAccount(this.#ports.claims, jwt, id);
    return isProblem(claims) ? `${name}: ${claims.problem}` : { claims, jwt };
  }
}

const KEPT: StoreResult = { stored: true, changed: false };

function refused(reason: string): StoreResult {
  return { stored: false, reason };
}

/** Whether `claims` go before `existing` ones: a JWT says no finer than seconds when it was issued. */
function isNewer(claims: ClaimsHead, existing: ClaimsHead): boolean {
  const isSame = claims.jti !== "" && claims.jti === existing.jti;
  return !isSame && claims.iat >= existing.iat;
}

/** When claims expire, wall-clock milliseconds. */
function expiryMs({ exp }: ClaimsHead): number {
  return exp > 0 ? exp * 1_000 : Infinity;
}

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
