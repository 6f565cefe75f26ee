import { checkAuthorization } from "./authorization.ts";
import { operatorDefaults } from "./check-operator.ts";
import { securityProblems, securityWarnings } from "./check-security.ts";
import { jetStreamProblems } from "./check-jetstream.ts";
import { websocketProblems } from "./check-websocket.ts";
import { ConfigError } from "./config-error.ts";
import { formatDuration } from "./duration.ts";
import { fromProgram } from "./from-program.ts";
import type { OptionRow, OptionTable, UnsupportedRow } from "./option-row.ts";
import { OPTIONS, type Options, type OptionsInput } from "./options.ts";
import type { ReadContext } from "./read-context.ts";
import { readOptions, type GivenOptions } from "./read-options.ts";
import { belonging } from "./read-users.ts";
import { Report } from "./report.ts";

/** From what a program hands in, or a file came to, to what a server runs with. */

/**
 * Lays `over` over `base`, option by option, inside `authorization` too: flags over a file, say. A user goes
 * before a token and a token before a user; of `tls` the certificates and what is asked of the peer go
 * before those of the base, all of them together.
 */
export function mergeInputs(base: OptionsInput, over: OptionsInput): OptionsInput {
  const merged: OptionsInput = { ...splitAddresses(base), ...splitAddresses(over) };
  if (base.authorization !== undefined && over.authorization !== undefined) {
    const { user, password, token, ...rest } = base.authorization;
    const kept: OptionsInput["authorization"] = { ...rest };
    const isUser = over.authorization.user !== undefined || over.authorization.password !== undefined;
    const isToken = over.authorization.token !== undefined;
    if (user !== undefined && !isToken) kept.user = user;
    if (password !== undefined && !isToken) kept.password = password;
    if (token !== undefined && !isUser) kept.token = token;
    merged.authorization = { ...kept, ...over.authorization };
  }
  const jetStream = mergedJetStream(base, over);
  if (jetStream !== undefined) merged.jetstream = jetStream;
  if (typeof base.tls === "object" && typeof over.tls === "object") {
    const kept = Object.entries(base.tls).filter(([name]) => !TLS_REPLACED.has(name.toLowerCase()));
    merged.tls = { ...Object.fromEntries(kept), ...over.tls };
  }
  return merged;
}

/** A folder given outside of the block, as the flag does, goes before the one inside of the base's. */
function mergedJetStream(base: OptionsInput, over: OptionsInput): OptionsInput["jetstream"] {
  if (base.jetstream === undefined) return over.jetstream;
  const below = jetStreamMap(base.jetstream);
  if (over.store_dir !== undefined) {
    for (const name of STORE_DIR_NAMES) delete below[name];
  }
  return over.jetstream === undefined ? below : { ...below, ...jetStreamMap(over.jetstream) };
}

/** The block that the short forms stand for. What is none of them is for the reader to say. */
function jetStreamMap(input: NonNullable<OptionsInput["jetstream"]>): Record<string, unknown> {
  if (typeof input === "object") return { enabled: true, ...input };
  return { enabled: input === true || input === "enabled" };
}

const STORE_DIR_NAMES = ["store_dir", "store", "storedir"];

/** The members of `tls` that flags give anew. */
const TLS_REPLACED: ReadonlySet<string> = new Set([
  "cert_file",
  "key_file",
  "ca_file",
  "certs",
  "certificates",
  "verify",
  "cipher_suites",
  "curve_preferences",
  "min_version",
]);

/**
 * Applies defaults and checks everything, also how options go together. Throws a `ConfigError` that lists
 * all that is wrong.
 */
export function resolveOptions(input: OptionsInput): Options {
  const report = new Report();
  const given = readOptions(fromProgram(input, report), OPTIONS, fromProgramContext(report));
  checkAuthorization(given, null, report);
  const options = withDefaults(given);
  if (
    given.values["store_dir"] !== undefined &&
    given.blocks["jetstream"]?.values["store_dir"] !== undefined
  ) {
    report.error(null, "Duplicate 'store_dir' configuration");
  }
  checkTogether(options, report);
  const problems = [...report.errors, ...report.unsupported];
  if (problems.length > 0) throw new ConfigError(problems);
  return options;
}

function fromProgramContext(report: Report): ReadContext {
  return { origin: "program", report, readFile: null };
}

/** What a server says about its options when it starts. */
export function startWarnings(options: Options): string[] {
  const warnings: string[] = [];
  if (options.max_payload > DISCOURAGED_PAYLOAD_BYTES) {
    warnings.push(
      "Maximum payloads over 8.00 MB are generally discouraged and could lead to poor performance",
    );
  }
  return [...warnings, ...securityWarnings(options)];
}

const DISCOURAGED_PAYLOAD_BYTES = 8 * 1024 * 1024;

/** Rules about several options at once. */
function checkTogether(options: Options, report: Report): void {
  const { max_payload, max_pending, lame_duck_duration, lame_duck_grace_period, authorization } = options;
  if (max_payload > max_pending) {
    report.error(null, `max_payload (${max_payload}) cannot be higher than max_pending (${max_pending})`);
  }
  if (lame_duck_grace_period >= lame_duck_duration) {
    const grace = formatDuration(lame_duck_grace_period);
    const duration = formatDuration(lame_duck_duration);
    report.error(
      null,
      `lame duck grace period (${grace}) should be strictly lower than lame duck duration (${duration})`,
    );
  }
  // nats-server lets everybody in then, which nobody who sets a password can have meant.
  if (authorization.user === "" && authorization.password !== "") {
    report.error(null, "authorization has a password but no user");
  }
  const problems = [
    ...securityProblems(options),
    ...websocketProblems(options),
    ...jetStreamProblems(options),
  ];
  for (const problem of problems) {
    report.error(null, problem);
  }
}

function withDefaults({ values, blocks }: GivenOptions): Options {
  const options = {
    ...defaultsOf(OPTIONS, { values: { ...values, ...impliedBy(values) }, blocks }),
    hasAuthorization: blocks["authorization"] !== undefined,
  };
  // The table gives both the reader of a row and its resolved type; readers and types are tested row by row.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return withStoreDir(withAuthorization(options as unknown as Options, blocks["authorization"]));
}

/** The two places for JetStream's folder say the same. */
function withStoreDir(options: Options): Options {
  const store_dir = options.store_dir || options.jetstream.store_dir;
  return { ...options, store_dir, jetstream: { ...options.jetstream, store_dir } };
}

/** Fills in what options inside `authorization` take from others. */
function withAuthorization(options: Options, given: GivenOptions | undefined): Options {
  const { authorization, tls } = options;
  const { users, default_permissions: defaults, timeout } = authorization;
  return {
    ...options,
    authorization: {
      ...authorization,
      users: belonging(users, "", defaults),
      timeout:
        tls === null || given?.values["timeout"] !== undefined ? timeout : tls.timeout + AFTER_HANDSHAKE_MS,
    },
  };
}

/** A client has that long for its credentials after a handshake that took as long as it may. */
const AFTER_HANDSHAKE_MS = 1_000;

/** Options that follow from others. */
function impliedBy(values: Record<string, unknown>): Record<string, unknown> {
  const implied: Record<string, unknown> = {};
  if (values["port"] === -1) implied["port"] = 0;
  // nats-server too takes 0 at its word here, not as "no limit".
  if (values["max_connections"] === 0) implied["max_connections"] = -1;
  if (values["trace_verbose"] === true || values["trace_headers"] === true) implied["trace"] = true;
  const { system_account, resolver } = operatorDefaults((values["operator"] ?? []) as readonly string[]);
  if ((values["system_account"] ?? "") === "" && system_account !== undefined) {
    implied["system_account"] = system_account;
  }
  if (values["resolver"] === undefined && resolver !== undefined) implied["resolver"] = resolver;
  if ((values["http_host"] ?? "") === "") implied["http_host"] = values["host"] ?? OPTIONS.host.default;
  return implied;
}

function defaultsOf(
  table: OptionTable,
  given: Pick<GivenOptions, "values" | "blocks"> | undefined,
): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(table)) {
    if (row.type === "unsupported" || row.type === "address") continue;
    if (row.type === "block") options[name] = defaultsOf(row.rows, given?.blocks[name]);
    else options[name] = given?.values[name] ?? defaultOf(row);
  }
  return options;
}

function defaultOf(row: Exclude<OptionRow, UnsupportedRow>): unknown {
  if ("default" in row) return row.default;
  return row.type === "textmap" ? {} : [];
}

/** Replaces `listen`, `http` and `https` by what they stand for, so that `host` of another input can go before them. */
function splitAddresses(input: OptionsInput): OptionsInput {
  const split: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input)) {
    if (name !== "listen" && name !== "http" && name !== "https") {
      split[name] = value;
      continue;
    }
    const report = new Report();
    const { input: parts } = readOptions(
      fromProgram({ [name]: value }, report),
      OPTIONS,
      fromProgramContext(report),
    );
    // What is wrong with it is for `resolveOptions` to say.
    Object.assign(split, report.errors.length === 0 ? parts : { [name]: value });
  }
  return split;
}
