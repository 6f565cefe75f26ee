import type { AccountImports } from "../../broker/account-imports.ts";
import type { ExportConfig, LatencyConfig, ResponseType } from "../../config/accounts.ts";
import { fromWireString } from "../../subject/subject.ts";
import { formatTime } from "../format.ts";

/** How a service's answers are called here. */
const RESPONSE_TYPES: Readonly<Record<ResponseType, string>> = {
  singleton: "Singleton",
  stream: "Streamed",
  chunked: "Chunked",
};

/** Where and of how many requests the latency is measured. */
interface SharedLatency {
  readonly sampling: number | "headers";
  readonly results: string;
}

/** What an account exports, in /accountz. Fields stand in the reference's order. */
export interface SharedExport {
  readonly subject: string;
  readonly type: "stream" | "service";
  readonly token_req: true | undefined;
  readonly response_type: string | undefined;
  readonly service_latency: SharedLatency | undefined;
  readonly approved_accounts: readonly string[] | undefined;
  /** By account's key: when tokens must have been issued to hold. */
  readonly revoked_activations: Readonly<Record<string, string>> | undefined;
}

/** What an account imports. */
export interface SharedImport {
  /** There, and here. */
  readonly subject: string;
  readonly account: string;
  readonly to: string | undefined;
  readonly local_subject: string;
  readonly type: "stream" | "service";
  readonly invalid: false;
  readonly share: boolean;
  readonly tracking: false;
  readonly latency: SharedLatency | undefined;
}

/** Services first. */
export function sharedExports(exports: readonly ExportConfig[]): readonly SharedExport[] {
  const services = exports.filter(({ kind }) => kind === "service");
  const streams = exports.filter(({ kind }) => kind === "stream");
  return [...services, ...streams].map(sharedExport);
}

function sharedExport(exported: ExportConfig): SharedExport {
  const { kind, subject, approval } = exported;
  return {
    subject,
    type: kind,
    token_req: approval.kind === "token" || undefined,
    response_type: kind === "service" ? RESPONSE_TYPES[exported.response_type] : undefined,
    service_latency: kind === "service" ? sharedLatency(exported.latency) : undefined,
    approved_accounts:
      approval.kind === "accounts" && approval.accounts.length > 0 ? approval.accounts : undefined,
    revoked_activations: approval.kind === "token" ? shownRevocations(approval.revocations) : undefined,
  };
}

/** Streams first. */
export function sharedImports({ streams, services }: AccountImports): readonly SharedImport[] {
  return [
    ...streams.map(({ exporter, link: { renaming } }): SharedImport => ({
      subject: fromWireString(renaming.there),
      account: exporter.name,
      to: undefined,
      local_subject: fromWireString(renaming.here),
      type: "stream",
      invalid: false,
      share: false,
      tracking: false,
      latency: undefined,
    })),
    ...services.map(({ exporter, link: { renaming, shares, exported } }): SharedImport => ({
      subject: fromWireString(renaming.there),
      account: exporter.name,
      to: fromWireString(renaming.here),
      local_subject: fromWireString(renaming.here),
      type: "service",
      invalid: false,
      share: shares,
      tracking: false,
      latency: sharedLatency(exported?.latency ?? null),
    })),
  ];
}

function sharedLatency(latency: LatencyConfig | null): SharedLatency | undefined {
  return latency === null ? undefined : { sampling: latency.sampling, results: latency.subject };
}

/** By key, as times instead of Unix seconds; undefined for none. */
export function shownRevocations(
  revocations: ReadonlyMap<string, number>,
): Readonly<Record<string, string>> | undefined {
  if (revocations.size === 0) return undefined;
  return Object.fromEntries(Array.from(revocations, ([key, seconds]) => [key, formatTime(seconds * 1000)]));
}
