import type { Account } from "../../broker/account.ts";
import { formatTime } from "../format.ts";
import {
  type SharedExport,
  sharedExports,
  type SharedImport,
  sharedImports,
  shownRevocations,
} from "./account-sharing.ts";
import { jwtClaims } from "./jwt-claims.ts";
import { type InterestStats, interestStats } from "./interest-stats.ts";

/** Where a mapped message goes. */
interface MapDestination {
  readonly subject: string;
  readonly weight: number;
  readonly cluster: string | undefined;
}

/** One account in /accountz. Fields stand in the reference's order; one that is undefined is left out. */
export interface AccountDetail {
  readonly account_name: string;
  readonly update_time: string;
  readonly is_system: true | undefined;
  /** Expired accounts are no more. */
  readonly expired: false;
  readonly complete: true;
  readonly jetstream_enabled: boolean;
  readonly leafnode_connections: 0;
  readonly client_connections: number;
  readonly subscriptions: number;
  /** By source. */
  readonly mappings: Readonly<Record<string, readonly MapDestination[]>> | undefined;
  readonly exports: readonly SharedExport[] | undefined;
  readonly imports: readonly SharedImport[] | undefined;
  readonly jwt: string | undefined;
  readonly issuer_key: string | undefined;
  readonly name_tag: string;
  readonly tags: readonly string[] | undefined;
  readonly decoded_jwt: object | undefined;
  /** By user's key: when tokens must have been issued to hold. */
  readonly revoked_user: Readonly<Record<string, string>> | undefined;
  readonly sublist_stats: InterestStats;
}

export function accountDetail(account: Account): AccountDetail {
  const { broker, name, origin } = account;
  const exports = sharedExports(broker.accounts.exportsOf(name));
  const imports = sharedImports(account.imports);
  return {
    account_name: name,
    update_time: formatTime(account.updatedMs),
    is_system: account === broker.systemAccount || undefined,
    expired: false,
    complete: true,
    jetstream_enabled: broker.jetStream?.has(account) ?? false,
    leafnode_connections: 0,
    client_connections: account.connectionCount,
    subscriptions: account.sublist.count,
    mappings: mappingsOf(account),
    exports: unlessEmpty(exports),
    imports: unlessEmpty(imports),
    jwt: origin?.jwt,
    issuer_key: origin?.issuer,
    name_tag: account.shownName,
    tags: origin === null ? undefined : unlessEmpty(origin.tags),
    decoded_jwt: origin === null ? undefined : (jwtClaims(origin.jwt) ?? undefined),
    revoked_user: origin === null ? undefined : shownRevocations(origin.revocations),
    sublist_stats: interestStats([account]),
  };
}

/** As configured; the reference adds what becomes of the rest of the messages, and its weights are sums. */
function mappingsOf({ broker, name }: Account): AccountDetail["mappings"] {
  const mappings = broker.accounts.mappingsOf(name);
  if (mappings.length === 0) return undefined;
  const inOrder = [...mappings].sort((a, b) => (a.source < b.source ? -1 : 1));
  return Object.fromEntries(
    inOrder.map(({ source, destinations }) => {
      const list = typeof destinations === "string" ? [{ subject: destinations, weight: 100 }] : destinations;
      return [
        source,
        list.map(({ subject, weight, cluster }) => ({ subject, weight, cluster: cluster || undefined })),
      ];
    }),
  );
}

function unlessEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}
