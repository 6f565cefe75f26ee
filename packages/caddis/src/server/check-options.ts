import { accountConfigs } from "../broker/account-configs.ts";
import { accountProblems } from "../broker/accounts.ts";
import type { Options } from "../config/options.ts";

/** What is wrong with options that only shows when accounts are linked to each other; a start refuses them. */
export function optionProblems(options: Options): readonly string[] {
  const hasSystem = options.system_account !== "" || !options.no_system_account;
  return accountProblems(accountConfigs(options), hasSystem);
}
