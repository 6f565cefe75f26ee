import type { Fields } from "./fields.ts";

/** What an operator's token says. */
export interface Operator {
  /** Public operator keys that sign on its behalf. */
  readonly signing_keys: readonly string[];
  /** Where accounts' tokens can be had; empty: nowhere. */
  readonly account_server_url: string;
  readonly operator_service_urls: readonly string[];
  /** Public account key; empty: none. */
  readonly system_account: string;
  /** Least version of a server that may run for it, `major.minor.patch`; empty: any. */
  readonly assert_server_version: string;
  /** Only its signing keys sign accounts, and only accounts' signing keys sign users. */
  readonly strict_signing_key_usage: boolean;
}

export function readOperator(nats: Fields, version: 1 | 2): Operator {
  return {
    signing_keys: nats.strings("signing_keys"),
    account_server_url: nats.string("account_server_url"),
    operator_service_urls: nats.strings("operator_service_urls"),
    system_account: nats.string("system_account"),
    assert_server_version: version === 1 ? "" : nats.string("assert_server_version"),
    strict_signing_key_usage: version === 2 && nats.bool("strict_signing_key_usage"),
  };
}
