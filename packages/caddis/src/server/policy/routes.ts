import type { Account } from "../../broker/account.ts";
import { nextHop, type ServiceHop } from "../../broker/service-hop.ts";
import { intersection, isSubset } from "../../subject/overlap.ts";
import { fromWireString } from "../../subject/subject.ts";
import type { PolicyFeed, PolicyRoute } from "./policy.ts";
import type { StillServer } from "./still-server.ts";

/**
 * Where a message goes from `account` into others; `subject`, a wire string, is the one it has there. `via`: the
 * service imports it came by. What came by one is exported as a stream no more.
 */
export function routesFrom(
  server: StillServer,
  account: Account,
  subject: string,
  via: ServiceHop | null = null,
): readonly PolicyRoute[] {
  const streams = via === null ? streamsFrom(server, account, subject) : [];
  return [...servicesFrom(server, account, subject, via), ...streams];
}

function servicesFrom(
  server: StillServer,
  account: Account,
  subject: string,
  via: ServiceHop | null,
): readonly PolicyRoute[] {
  return account.imports.services.flatMap(({ exporter, link: { door, renaming, shares } }) => {
    if (!isSubset(subject, renaming.here)) return [];
    const hop = nextHop(via, door, null, shares);
    if (hop === null) return [];
    const there = renaming.toThere(subject);
    return server.random
      .outcomesOf(() => exporter.mapped(there))
      .map(({ outcome, percent }): PolicyRoute => ({
        kind: "service",
        account: exporter.name,
        subject: fromWireString(outcome),
        percent,
        importedAs: fromWireString(renaming.here),
        exportedAs: fromWireString(renaming.there),
        onward: outcome === "" ? [] : routesFrom(server, exporter, outcome, hop),
      }));
  });
}

function streamsFrom({ broker }: StillServer, account: Account, subject: string): readonly PolicyRoute[] {
  return [...broker.accounts].flatMap((importer) =>
    importer.imports.streams
      .filter(({ exporter, link }) => exporter === account && isSubset(subject, link.renaming.there))
      .map(({ link: { renaming } }): PolicyRoute => ({
        kind: "stream",
        account: importer.name,
        subject: fromWireString(renaming.toHere(subject)),
        percent: 100,
        importedAs: fromWireString(renaming.here),
        exportedAs: fromWireString(renaming.there),
        onward: [],
      })),
  );
}

/** What imported streams bring to a subscription to `subject`, a wire string. */
export function feedsOf(account: Account, subject: string): readonly PolicyFeed[] {
  return account.imports.streams.flatMap(({ exporter, link: { renaming } }) => {
    const wanted = intersection(subject, renaming.here);
    if (wanted === null) return [];
    return [
      {
        account: exporter.name,
        subject: fromWireString(renaming.toThere(wanted)),
        deliveredAs: fromWireString(wanted),
      },
    ];
  });
}
