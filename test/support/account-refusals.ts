import type { AccountConfig } from "../../packages/caddis/src/config/accounts.ts";
import { account, serviceExport, serviceImport, streamExport, streamImport } from "./account-world.ts";

/** Accounts that make no configuration, each for one reason. */
export interface RefusedAccounts {
  readonly name: string;
  readonly accounts: readonly AccountConfig[];
  /** The reference says the same in some other words before, or of any of the imports: only the reason counts. */
  readonly byReason?: true;
}

const A = account("A", {
  exports: [
    streamExport("s.*.*"),
    serviceExport("q.*.*"),
    streamExport("private", { approval: { kind: "accounts", accounts: ["C"] } }),
    serviceExport("secret", { approval: { kind: "accounts", accounts: ["C"] } }),
    streamExport("by.*", { account_token_position: 2 }),
    serviceExport("ask.*", { account_token_position: 2 }),
  ],
});
const withB = (...imports: AccountConfig["imports"]): AccountConfig[] => [
  A,
  account("B", { imports }),
  account("C"),
];
const latency = (subject: string, kind: "singleton" | "stream" = "singleton"): AccountConfig[] => [
  account("A", {
    exports: [serviceExport("q.>", { response_type: kind, latency: { subject, sampling: 100 } })],
  }),
];

export const REFUSED_ACCOUNTS: readonly RefusedAccounts[] = [
  { name: "a stream of an unknown account", accounts: withB(streamImport("X", "s.1.2")) },
  { name: "a service of an unknown account", accounts: withB(serviceImport("X", "q.1.2")) },
  { name: "a stream that is not exported", accounts: withB(streamImport("A", "t")) },
  { name: "a stream wider than its export", accounts: withB(streamImport("A", "s.>")) },
  { name: "a service that is not exported", accounts: withB(serviceImport("A", "t")) },
  { name: "a service wider than its export", accounts: withB(serviceImport("A", "q.1.>")) },
  { name: "a stream for others", accounts: withB(streamImport("A", "private")) },
  { name: "a service for others", accounts: withB(serviceImport("A", "secret")) },
  { name: "a stream by another's name", accounts: withB(streamImport("A", "by.C")) },
  { name: "a stream by anybody's name", accounts: withB(streamImport("A", "by.*")) },
  { name: "a service by another's name", accounts: withB(serviceImport("A", "ask.C")) },
  { name: "a service by anybody's name", accounts: withB(serviceImport("A", "ask.*")) },
  {
    name: "a stream twice",
    accounts: withB(streamImport("A", "s.1.2"), streamImport("A", "s.1.2", { prefix: "p" })),
  },
  {
    name: "a service twice",
    byReason: true,
    accounts: withB(serviceImport("A", "q.1.2", { to: "x" }), serviceImport("A", "q.2.1", { to: "x" })),
  },
  { name: "a prefix with a wildcard", accounts: withB(streamImport("A", "s.1.2", { prefix: "p.*" })) },
  { name: "a stream that loses a token", accounts: withB(streamImport("A", "s.*.*", { to: "x.$1" })) },
  { name: "a service that loses a token", accounts: withB(serviceImport("A", "q.*.*", { to: "x.$1" })) },
  {
    name: "a stream with a token too many",
    accounts: withB(streamImport("A", "s.*.*", { to: "x.$1.$2.$3" })),
  },
  {
    name: "a stream through a function",
    accounts: withB(streamImport("A", "s.*.*", { to: "x.{{partition(3,1,2)}}" })),
  },
  { name: "a stream to an open end", accounts: withB(streamImport("A", "s.*.*", { to: "x.>" })) },
  {
    name: "an export for an unknown account",
    accounts: [
      account("A", { exports: [streamExport("s", { approval: { kind: "accounts", accounts: ["X"] } })] }),
    ],
  },
  {
    name: "a service for an unknown account",
    accounts: [
      account("A", { exports: [serviceExport("s", { approval: { kind: "accounts", accounts: ["X"] } })] }),
    ],
  },
  {
    name: "a name's place that is no wildcard",
    accounts: [account("A", { exports: [streamExport("a.b", { account_token_position: 2 })] })],
  },
  {
    name: "a name's place beyond the end",
    accounts: [account("A", { exports: [serviceExport("a.*", { account_token_position: 3 })] })],
  },
  {
    name: "a cycle of services",
    byReason: true,
    accounts: [
      account("A", { exports: [serviceExport("q")], imports: [serviceImport("B", "q")] }),
      account("B", { exports: [serviceExport("q")], imports: [serviceImport("A", "q")] }),
    ],
  },
  {
    name: "a cycle of services by wildcards",
    byReason: true,
    accounts: [
      account("A", { exports: [serviceExport("q.>")], imports: [serviceImport("B", "q.*")] }),
      account("B", { exports: [serviceExport("q.*")], imports: [serviceImport("A", "q.1")] }),
    ],
  },
  {
    name: "a cycle of streams",
    byReason: true,
    accounts: [
      account("A", { exports: [streamExport("s")], imports: [streamImport("B", "s")] }),
      account("B", { exports: [streamExport("s")], imports: [streamImport("A", "s")] }),
    ],
  },
  {
    name: "a cycle of three",
    byReason: true,
    accounts: [
      account("A", { exports: [serviceExport("q")], imports: [serviceImport("B", "q")] }),
      account("B", { exports: [serviceExport("q")], imports: [serviceImport("C", "q")] }),
      account("C", { exports: [serviceExport("q")], imports: [serviceImport("A", "q")] }),
    ],
  },
  { name: "latency on a subject with a wildcard", accounts: latency("latency.*") },
  { name: "latency on the service itself", accounts: latency("q.1") },
  { name: "latency of many answers", accounts: latency("latency", "stream") },
];
