import assert from "node:assert/strict";
import { createAccount, createOperator } from "@nats-io/nkeys";
import { encodeJwt } from "../../packages/caddis/src/auth/jwt.ts";
import { KeyPair } from "../../packages/caddis/src/auth/nkey-pair.ts";
import { operatorRules } from "../../packages/caddis/src/auth/resolver/claims.ts";
import type { ClaimsRules } from "../../packages/caddis/src/auth/resolver/claims.ts";
import type { ClaimsDirectory, FileResult } from "../../packages/caddis/src/io/claims-directory.ts";

/** When tokens are issued unless said otherwise: where virtual time begins. Seconds since the Unix epoch. */
export const ISSUED = Date.UTC(2026, 0, 1) / 1_000;

const NO_LIMITS = {
  limits: {
    subs: -1,
    data: -1,
    payload: -1,
    imports: -1,
    exports: -1,
    wildcards: true,
    conn: -1,
    leaf: -1,
  },
};

/** An operator and what it signs. Times are seconds since the Unix epoch. */
export class OperatorFixture {
  readonly keys = pairOf(createOperator());
  readonly rules: ClaimsRules = operatorRules((issuer) => issuer === this.keys.publicKey);

  /** A JWT for an account. */
  account(id: string, options: { name?: string; iat?: number; exp?: number; signer?: KeyPair } = {}): string {
    const { name = "A", iat = ISSUED, exp = 0, signer = this.keys } = options;
    return encodeJwt("account", { sub: id, name, exp, nats: NO_LIMITS }, signer, iat * 1_000);
  }

  /** A request to delete accounts. */
  deletion(accounts: unknown, options: { signer?: KeyPair; sub?: string; exp?: number } = {}): string {
    const { signer = this.keys, sub = signer.publicKey, exp = 0 } = options;
    return encodeJwt("generic", { sub, name: "delete", exp, nats: { accounts } }, signer, ISSUED * 1_000);
  }
}

/** A fresh account's keys. */
export function newAccount(): KeyPair {
  return pairOf(createAccount());
}

/** A fresh operator's keys. */
export function newOperator(): KeyPair {
  return pairOf(createOperator());
}

function pairOf(keys: { getSeed(): Uint8Array }): KeyPair {
  return KeyPair.fromSeed(keys.getSeed()) ?? assert.fail("a fresh seed is one");
}

/** A folder in memory. */
export class FakeClaimsDirectory implements ClaimsDirectory {
  readonly path = "/accounts";
  readonly files = new Map<string, string>();
  /** What every write fails with; empty: nothing. */
  writeProblem = "";

  open(): Promise<FileResult<void>> {
    return ok(undefined);
  }

  names(): Promise<FileResult<readonly string[]>> {
    return ok([...this.files.keys()].sort());
  }

  read(name: string): Promise<FileResult<string | null>> {
    return ok(this.files.get(name) ?? null);
  }

  write(name: string, text: string): Promise<FileResult<void>> {
    if (this.writeProblem !== "") return Promise.resolve({ ok: false, problem: this.writeProblem });
    this.files.set(name, text);
    return ok(undefined);
  }

  rename(name: string, to: string): Promise<FileResult<boolean>> {
    const text = this.files.get(name);
    if (text === undefined) return ok(false);
    this.files.delete(name);
    this.files.set(to, text);
    return ok(true);
  }

  remove(name: string): Promise<FileResult<boolean>> {
    return ok(this.files.delete(name));
  }
}

function ok<T>(value: T): Promise<FileResult<T>> {
  return Promise.resolve({ ok: true, value });
}
