import { type AccountConfig, NO_ACCOUNT_LIMITS } from "../config/accounts.ts";
import type { Options } from "../config/options.ts";
import { GLOBAL_ACCOUNT } from "./accounts.ts";

/** The accounts that options describe. Mappings at the top of a configuration are the global account's. */
export function accountConfigs({ accounts, mappings }: Options): readonly AccountConfig[] {
  const global: AccountConfig = {
    name: GLOBAL_ACCOUNT,
    nkey: "",
    exports: [],
    imports: [],
    mappings,
    limits: NO_ACCOUNT_LIMITS,
    default_permissions: null,
  };
  return [global, ...accounts];
}
