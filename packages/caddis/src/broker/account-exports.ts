import type { ExportApproval, ExportConfig, ImportConfig } from "../config/accounts.ts";
import { isSubset } from "../subject/overlap.ts";
import { isValidLiteralSubject, toWireString } from "../subject/subject.ts";

/** The reference's words for it. */
export const INVALID_SUBJECT = "sublist: invalid subject";

/** Says what is wrong with the activation token of an import, or null when the exporter lets it in by that. */
export type CheckActivation = (
  wanted: ImportConfig,
  exported: ExportConfig,
  importer: string,
  exporter: string,
) => string | null;

/** What one account lets others import. Subjects are wire strings. */
export class AccountExports {
  readonly #streams = new Map<string, ExportConfig>();
  readonly #services = new Map<string, ExportConfig>();

  constructor(configs: readonly ExportConfig[]) {
    for (const config of configs) {
      const subject = toWireString(config.subject);
      const exports = this.#of(config.kind);
      const other = exports.get(subject);
      exports.set(subject, other === undefined ? config : narrowed(config, other));
    }
  }

  /** The export that an import of `subject` is about: the same, or the narrowest that covers it. */
  find(kind: ExportConfig["kind"], subject: string): ExportConfig | null {
    const same = this.#of(kind).get(subject);
    if (same !== undefined) return same;
    let found: ExportConfig | null = null;
    let foundSubject = "";
    for (const [candidate, config] of this.#of(kind)) {
      if (!isSubset(subject, candidate)) continue;
      if (found !== null && !isSubset(candidate, foundSubject)) continue;
      found = config;
      foundSubject = candidate;
    }
    return found;
  }

  /** Whether all of `subject` is exported. */
  covers(kind: ExportConfig["kind"], subject: string): boolean {
    return this.find(kind, subject) !== null;
  }

  #of(kind: ExportConfig["kind"]): Map<string, ExportConfig> {
    return kind === "stream" ? this.#streams : this.#services;
  }
}

/** Whether `importer` may import `wanted`, which `exported` covers, from `exporter`. */
export function isApproved(
  exported: ExportConfig,
  wanted: ImportConfig,
  importer: string,
  exporter: string,
  checkActivation: CheckActivation,
): boolean {
  const position = exported.account_token_position;
  // The position alone decides, as in the reference.
  if (position > 0) return toWireString(wanted.subject).split(".")[position - 1] === toWireString(importer);
  switch (exported.approval.kind) {
    case "public":
      return true;
    case "accounts":
      return exported.approval.accounts.includes(importer);
    default:
      exported.approval.kind satisfies "token";
      return wanted.token !== "" && checkActivation(wanted, exported, importer, exporter) === null;
  }
}

/** What is wrong with the exports of an account, in the reference's words; `hasSystem`: there is a system account. */
export function exportProblems(
  configs: readonly ExportConfig[],
  isAccount: (name: string) => boolean,
  hasSystem: boolean,
): string[] {
  const exports = new AccountExports(configs);
  return configs.flatMap((config) => {
    const { kind, subject, approval } = config;
    const problems: string[] = [];
    for (const name of approval.kind === "accounts" ? approval.accounts : []) {
      if (!isAccount(name)) problems.push(`${JSON.stringify(name)} account not defined for ${kind} export`);
    }
    if (!hasTokenForAccount(config)) {
      problems.push(`Error adding ${kind} export ${JSON.stringify(subject)}: ${INVALID_SUBJECT}`);
    }
    const latency = latencyProblem(config, exports, hasSystem);
    return latency === null ? problems : [...problems, latency];
  });
}

/** Whether the token that must be the importing account's name is a wildcard. */
function hasTokenForAccount({ subject, account_token_position: position }: ExportConfig): boolean {
  return position === 0 || subject.split(".")[position - 1] === "*";
}

function latencyProblem(config: ExportConfig, exports: AccountExports, hasSystem: boolean): string | null {
  if (config.kind === "stream" || config.latency === null) return null;
  const head = `Error adding service latency sampling for ${JSON.stringify(config.subject)}`;
  if (!hasSystem) return `${head}: system account not setup`;
  const subject = toWireString(config.latency.subject);
  if (!isValidLiteralSubject(subject) || exports.covers("service", subject)) {
    return `${head} on subject ${JSON.stringify(config.latency.subject)}: invalid publish subject`;
  }
  if (config.response_type === "singleton") return null;
  return `${head} on subject ${JSON.stringify(config.latency.subject)}: bad service response type`;
}

/** One subject exported twice is open to nobody that only one of both, or neither, lets in beyond a list. */
function narrowed(config: ExportConfig, other: ExportConfig): ExportConfig {
  return { ...config, approval: both(other.approval, config.approval) };
}

/** Lists add up, and go before "public"; as in the reference. */
function both(a: ExportApproval, b: ExportApproval): ExportApproval {
  if (a.kind === "public") return b;
  if (b.kind === "public") return a;
  if (a.kind === "accounts" && b.kind === "accounts") {
    return { kind: "accounts", accounts: [...a.accounts, ...b.accounts] };
  }
  return b.kind === "token" ? b : a;
}
