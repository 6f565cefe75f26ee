import assert from "node:assert/strict";
import { ANYBODY, type Authenticator } from "../../packages/caddis/src/auth/identity.ts";
import {
  type AccountConfig,
  type ExportConfig,
  type ImportConfig,
  NO_ACCOUNT_LIMITS,
  type ServiceExport,
  type ServiceImport,
  type StreamExport,
  type StreamImport,
} from "../../packages/caddis/src/config/accounts.ts";
import type { OptionsInput } from "../../packages/caddis/src/config/options.ts";
import { type Peer, QUIET, TestBroker } from "./test-broker.ts";

/** Whoever comes belongs to the account whose name it gives as its user. */
const BY_USER: Authenticator = {
  expectsConnect: false,
  isRequired: false,
  needsNonce: false,
  takesUnannounced: false,
  authenticate: ({ connect: { user } }) => ({
    allowed: true,
    identity: { ...ANYBODY, user, account: user === "" ? "$G" : user },
  }),
};

/** A broker with accounts, whose connections say which one they belong to. */
export class AccountWorld {
  readonly world: TestBroker;

  constructor(configs: readonly AccountConfig[], options: OptionsInput = {}) {
    this.world = new TestBroker(options);
    this.world.broker.authenticator = BY_USER;
    assert.deepEqual(this.accounts.apply(configs), []);
  }

  get accounts(): TestBroker["broker"]["accounts"] {
    return this.world.broker.accounts;
  }

  /** A connection of `account`, subscribed to `subjects` under the sids 1, 2, … (`subject queue` for a group). */
  connect(account: string, ...subjects: string[]): Peer {
    const peer = this.world.connect(QUIET.replace("{", `{"user":${JSON.stringify(account)},`));
    subjects.forEach((subject, index) => peer.say(`SUB ${subject} ${index + 1}\r\n`));
    return peer;
  }
}

export function account(name: string, config: Partial<AccountConfig> = {}): AccountConfig {
  return {
    name,
    nkey: "",
    exports: [],
    imports: [],
    mappings: [],
    limits: NO_ACCOUNT_LIMITS,
    default_permissions: null,
    ...config,
  };
}

export function streamExport(subject: string, config: Partial<StreamExport> = {}): ExportConfig {
  return { kind: "stream", subject, approval: { kind: "public" }, account_token_position: 0, ...config };
}

export function serviceExport(subject: string, config: Partial<ServiceExport> = {}): ExportConfig {
  return {
    kind: "service",
    subject,
    approval: { kind: "public" },
    account_token_position: 0,
    response_type: "singleton",
    response_threshold: 120_000,
    latency: null,
    allow_trace: false,
    ...config,
  };
}

export function streamImport(
  exporter: string,
  subject: string,
  config: Partial<StreamImport> = {},
): ImportConfig {
  return {
    kind: "stream",
    account: exporter,
    subject,
    prefix: "",
    to: "",
    token: "",
    allow_trace: false,
    ...config,
  };
}

export function serviceImport(
  exporter: string,
  subject: string,
  config: Partial<ServiceImport> = {},
): ImportConfig {
  return { kind: "service", account: exporter, subject, to: "", share: false, token: "", ...config };
}
