import type {
  AccountConfig,
  ExportConfig,
  ImportConfig,
  ServiceExport,
  ServiceImport,
  StreamImport,
} from "../config/accounts.ts";
import { Renaming } from "../subject/renaming.ts";
import { hasWildcard, isValidSubject, toWireString } from "../subject/subject.ts";
import {
  AccountExports,
  type CheckActivation,
  exportProblems,
  INVALID_SUBJECT,
  isApproved,
} from "./account-exports.ts";
import { type CycleEdge, cycleProblem } from "./account-link-cycles.ts";

/** A stream import that is allowed. */
export interface StreamLink {
  readonly kind: "stream";
  readonly exporter: string;
  readonly renaming: Renaming;
  /** Whether a message's trace goes on in the importing account. */
  readonly allowsTrace: boolean;
  /** Two links with the same key do the same. */
  readonly key: string;
}

/** A service import that is allowed. */
export interface ServiceLink {
  readonly kind: "service";
  readonly exporter: string;
  readonly renaming: Renaming;
  readonly key: string;
  /** Null where the server itself imports what nobody exports. */
  readonly exported: ServiceExport | null;
  /** Names the export: no message goes through the same one twice. */
  readonly door: string;
  readonly shares: boolean;
}

export type AccountLink = StreamLink | ServiceLink;

/**
 * Which account imports what from which: data alone, so that a configuration is checked as a whole before
 * anything of it is applied. Texts of the configurations become wire strings here.
 */
export class AccountLinks {
  readonly #exports = new Map<string, AccountExports>();
  readonly #links = new Map<string, AccountLink[]>();
  readonly #checkActivation: CheckActivation;

  constructor(checkActivation: CheckActivation) {
    this.#checkActivation = checkActivation;
  }

  /** The links of `configs` and everything that is wrong with them, in the reference's words and order. */
  static of(
    configs: readonly AccountConfig[],
    hasSystem: boolean,
    checkActivation: CheckActivation,
  ): { readonly links: AccountLinks; readonly problems: readonly string[] } {
    const links = new AccountLinks(checkActivation);
    const names = new Set(configs.map(({ name }) => name));
    const problems = configs.flatMap((config) =>
      exportProblems(config.exports, (name) => names.has(name), hasSystem),
    );
    for (const { name, exports } of configs) links.setExports(name, exports);
    for (const kind of ["stream", "service"] as const) {
      for (const { name, imports } of configs) {
        for (const wanted of imports) {
          if (wanted.kind !== kind) continue;
          const problem = links.link(name, wanted);
          if (problem !== null) problems.push(problem);
        }
      }
    }
    return { links, problems };
  }

  setExports(account: string, exports: readonly ExportConfig[]): void {
    this.#exports.set(account, new AccountExports(exports));
  }

  /** Whether the account is known, with exports or without. */
  has(account: string): boolean {
    return this.#exports.has(account);
  }

  exportsOf(account: string): AccountExports | undefined {
    return this.#exports.get(account);
  }

  /** What `account` imports. */
  of(account: string): readonly AccountLink[] {
    return this.#links.get(account) ?? [];
  }

  /** Forgets what `account` imports. */
  unlink(account: string): void {
    this.#links.delete(account);
  }

  remove(account: string): void {
    this.#links.delete(account);
    this.#exports.delete(account);
  }

  /** Adds an import of `importer`, or says why not. */
  link(importer: string, wanted: ImportConfig): string | null {
    const exports = this.#exports.get(wanted.account);
    if (exports === undefined) {
      return `${JSON.stringify(wanted.account)} account not defined for ${wanted.kind} import`;
    }
    const link =
      wanted.kind === "stream"
        ? this.#streamLink(importer, wanted, exports)
        : this.#serviceLink(importer, wanted, exports, true);
    if (typeof link === "string") {
      return `Error adding ${wanted.kind} import ${JSON.stringify(wanted.subject)}: ${link}`;
    }
    this.#add(importer, link);
    return null;
  }

  /** Adds an import that the server itself gives an account; one that stands already goes before. */
  linkByServer(importer: string, wanted: ServiceImport): void {
    const exports = this.#exports.get(wanted.account);
    if (exports === undefined) return;
    const link = this.#serviceLink(importer, wanted, exports, false);
    if (typeof link !== "string") this.#add(importer, link);
  }

  #add(importer: string, link: AccountLink): void {
    const links = this.#links.get(importer);
    if (links === undefined) this.#links.set(importer, [link]);
    else links.push(link);
  }

  #streamLink(importer: string, wanted: StreamImport, exports: AccountExports): StreamLink | string {
    const there = toWireString(wanted.subject);
    const exported = isValidSubject(there) ? exports.find("stream", there) : null;
    if (!this.#isApproved(exported, wanted, importer)) return "stream import not authorized";
    const prefix = toWireString(wanted.prefix);
    if (prefix !== "" && hasWildcard(prefix)) return "stream import prefix can not contain wildcard tokens";
    const here =
      prefix !== ""
        ? `${prefix.endsWith(".") ? prefix : `${prefix}.`}${there}`
        : toWireString(wanted.to) || there;
    for (const subject of [here, there]) {
      const problem = cycleProblem(importer, wanted.account, subject, this.#streamEdges);
      if (problem !== null) return problem;
    }
    const renaming = Renaming.compile(there, here);
    if (typeof renaming === "string") {
      return `failed to create mapping transform for stream import subject from ${JSON.stringify(wanted.subject)} to ${JSON.stringify(here)}: ${renaming}`;
    }
    const isThere = (link: AccountLink): boolean =>
      link.kind === "stream" && link.exporter === wanted.account && link.renaming.there === there;
    if (this.of(importer).some(isThere)) return "stream import already exists";
    return {
      kind: "stream",
      exporter: wanted.account,
      renaming,
      allowsTrace: wanted.allow_trace,
      key: keyOf(wanted, null),
    };
  }

  #serviceLink(
    importer: string,
    wanted: ServiceImport,
    exports: AccountExports,
    mustBeApproved: boolean,
  ): ServiceLink | string {
    const there = toWireString(wanted.subject);
    const local = toWireString(wanted.to) || there;
    if (!isValidSubject(there) || !isValidSubject(local)) return INVALID_SUBJECT;
    const exported = exports.find("service", there);
    if (mustBeApproved && !this.#isApproved(exported, wanted, importer))
      return "service import not authorized";
    const renaming = Renaming.compile(there, local);
    const here = typeof renaming === "string" ? local : renaming.here;
    const problem = cycleProblem(importer, wanted.account, here, this.#serviceEdges);
    if (problem !== null) return problem;
    const same = this.of(importer).find(
      (link) => link.kind === "service" && link.exporter === wanted.account && link.renaming.here === here,
    );
    if (same !== undefined) {
      return `duplicate service import subject ${JSON.stringify(local)}, previously used in import for account ${JSON.stringify(same.exporter)}, subject ${JSON.stringify(same.renaming.there)}`;
    }
    if (typeof renaming === "string") {
      return `failed to create mapping transform for service import subject from ${JSON.stringify(local)} to ${JSON.stringify(wanted.subject)}: ${renaming}`;
    }
    const service = exported?.kind === "service" ? exported : null;
    return {
      kind: "service",
      exporter: wanted.account,
      renaming,
      key: keyOf(wanted, service),
      exported: service,
      door: `${wanted.account} ${service?.subject ?? wanted.subject}`,
      shares: wanted.share,
    };
  }

  #isApproved(exported: ExportConfig | null, wanted: ImportConfig, importer: string): boolean {
    if (exported === null) return false;
    return isApproved(exported, wanted, importer, wanted.account, this.#checkActivation);
  }

  readonly #streamEdges = (account: string, subject: string): readonly CycleEdge[] => {
    if (this.#exports.get(account)?.covers("stream", subject) !== true) return [];
    return this.of(account)
      .filter(({ kind }) => kind === "stream")
      .map(({ exporter, renaming: { here } }) => ({ exporter, subject: here, onward: here }));
  };

  readonly #serviceEdges = (account: string): readonly CycleEdge[] =>
    this.of(account)
      .filter(({ kind }) => kind === "service")
      .map(({ exporter, renaming: { here, there } }) => ({ exporter, subject: there, onward: here }));
}

function keyOf(wanted: ImportConfig, exported: ExportConfig | null): string {
  return JSON.stringify([wanted, exported], (_name, value: unknown) =>
    value instanceof Map ? [...value] : value,
  );
}
