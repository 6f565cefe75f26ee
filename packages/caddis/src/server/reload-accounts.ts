import { accountConfigs } from "../broker/account-configs.ts";
import type { Broker } from "../broker/broker.ts";
import { ConfigError } from "../config/config-error.ts";
import type { Options } from "../config/options.ts";
import type { ReloadPart, ReloadStep } from "./reload-part.ts";

/** The accounts of a configuration: their imports, exports, mappings and limits. */
export class AccountsReload implements ReloadPart {
  readonly #broker: Broker;
  readonly #isOperatorMode: boolean;

  /** In operator mode only the global account is the configuration's. */
  constructor(broker: Broker, isOperatorMode: boolean) {
    this.#broker = broker;
    this.#isOperatorMode = isOperatorMode;
  }

  prepare(_current: Options, next: Options): ReloadStep {
    const { accounts } = this.#broker;
    const configs = accountConfigs(next);
    const problems = accounts.check(configs);
    if (problems.length > 0) throw new ConfigError(problems);
    return {
      commit: () => {
        if (!this.#isOperatorMode) accounts.apply(configs);
        else for (const config of configs) accounts.update(config);
      },
    };
  }
}
