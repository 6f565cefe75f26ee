import type { Permissions } from "../config/permissions.ts";
import type { ConnectionType, UserConfig } from "../config/users.ts";
import { CertificateMap } from "./certificate-map.ts";
import { readCertificateNames } from "./certificate-names.ts";
import { isConnectionTypeAllowed } from "./connection-types.ts";

/** The account of users that name none. */
export const GLOBAL_ACCOUNT = "$G";

/** A configured user with what holds for it. */
export interface ConfiguredUser {
  readonly config: UserConfig;
  readonly account: string;
  /** Its own, or else the defaults of where it was configured: of its account, or of `authorization`. */
  readonly permissions: Permissions | null;
}

/** The users of a configuration, found by name, nkey or certificate. */
export class ConfiguredUsers {
  readonly #byName = new Map<string, ConfiguredUser>();
  readonly #byNkey = new Map<string, ConfiguredUser>();
  readonly #byCertificate: CertificateMap<ConfiguredUser>;

  /** `accountDefaults`: default permissions by account name; `defaults`: those of users that name no account. */
  constructor(
    users: readonly UserConfig[],
    defaults: Permissions | null,
    accountDefaults: ReadonlyMap<string, Permissions>,
  ) {
    for (const config of users) {
      const inherited = config.account === "" ? defaults : (accountDefaults.get(config.account) ?? null);
      const user = {
        config,
        account: config.account === "" ? GLOBAL_ACCOUNT : config.account,
        permissions: answersOnly(config.permissions ?? inherited),
      };
      if (config.nkey === "") this.#byName.set(config.user, user);
      else this.#byNkey.set(config.nkey, user);
    }
    this.#byCertificate = new CertificateMap(this.#byName);
  }

  get hasNames(): boolean {
    return this.#byName.size > 0;
  }

  get hasNkeys(): boolean {
    return this.#byNkey.size > 0;
  }

  /** Passwords, plain or hashed, of all users. */
  get passwords(): readonly string[] {
    return [...this.#byName.values()].map(({ config }) => config.password);
  }

  named(name: string): ConfiguredUser | null {
    return this.#byName.get(name) ?? null;
  }

  withNkey(nkey: string): ConfiguredUser | null {
    return this.#byNkey.get(nkey) ?? null;
  }

  /** The user that a DER certificate stands for, among those that may come by `type`. */
  ofCertificate(der: Uint8Array, type: ConnectionType): ConfiguredUser | null {
    const names = readCertificateNames(der);
    if (names === null) return null;
    return this.#byCertificate.find(names, ({ config }) =>
      isConnectionTypeAllowed(config.allowed_connection_types, type),
    );
  }
}

/** Who may answer and has no list of what it may publish may publish nothing else. */
function answersOnly(permissions: Permissions | null): Permissions | null {
  if (permissions === null || permissions.responses === null || permissions.publish.allow !== null) {
    return permissions;
  }
  return { ...permissions, publish: { ...permissions.publish, allow: [] } };
}
