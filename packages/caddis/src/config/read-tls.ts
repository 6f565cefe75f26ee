import { parseDuration } from "./duration.ts";
import type { ResolverTlsConfig } from "./operator.ts";
import type { ReadContext } from "./read-context.ts";
import { certificateStoreReaders, readCertificateFiles } from "./read-certificates.ts";
import { readOcspPeer } from "./read-ocsp.ts";
import { goType, millisecondsOf, quoted, readMembers, shown, wrongKind } from "./read-value.ts";
import { isCurve, suiteKind } from "./tls-names.ts";
import type { HandshakeFirst, TlsConfig } from "./tls.ts";
import type { ConfigEntry, MapValue } from "./value.ts";

/** Of a handshake, where no other is given. */
const DEFAULT_TLS_TIMEOUT_MS = 2_000;
/** How long `handshake_first: auto` waits for the client to begin. */
const AUTO_HANDSHAKE_MS = 50;
const PINNED = /^[0-9a-f]{64}$/;

/** A block as it is read: `TlsConfig` and what only the checks or the resolver's TLS need. */
interface TlsBlock {
  config: { -readonly [Name in keyof TlsConfig]: TlsConfig[Name] };
  certFile: string;
  keyFile: string;
  insecure: boolean;
  allowsInsecureSuites: boolean;
}

/** Reads the `tls` block for clients. For a program `false` stands for none: to switch off what a file says. */
export function readTls(entry: ConfigEntry, context: ReadContext): TlsConfig | undefined {
  const { value } = entry;
  if (context.origin === "program" && value.kind === "bool" && !value.value) return undefined;
  return readBlock(entry, context)?.config;
}

/** Reads `resolver_tls`. */
export function readResolverTls(entry: ConfigEntry, context: ReadContext): ResolverTlsConfig | undefined {
  const block = readBlock(entry, context);
  if (block === undefined) return undefined;
  const { certificates, ca_file, min_version } = block.config;
  return { certificates, ca_file, min_version, insecure: block.insecure };
}

function readBlock(entry: ConfigEntry, context: ReadContext): TlsBlock | undefined {
  const { report } = context;
  if (entry.value.kind !== "map") return wrongKind(entry, "a map", report);
  const block: TlsBlock = {
    config: {
      certificates: [],
      ca_file: "",
      cipher_suites: [],
      curve_preferences: [],
      min_version: "1.2",
      verify: false,
      verify_and_map: false,
      handshake_first: "never",
      timeout: DEFAULT_TLS_TIMEOUT_MS,
      connection_rate_limit: 0,
      pinned_certs: [],
      ocsp_peer: null,
      watch: false,
    },
    certFile: "",
    keyFile: "",
    insecure: false,
    allowsInsecureSuites: false,
  };
  const errors = report.errors.length;
  readFields(entry.value, block, context);
  if (report.errors.length > errors) return undefined;
  const problem = finish(block);
  return problem === null ? block : report.error(entry.at, problem);
}

function readFields(map: MapValue, block: TlsBlock, context: ReadContext): void {
  const { config } = block;
  const { report } = context;
  const readFirst = (entry: ConfigEntry): void => {
    config.handshake_first = readHandshakeFirst(entry, context);
  };
  const readCertificates = (entry: ConfigEntry): void => {
    config.certificates = readCertificateFiles(entry, context);
  };
  readMembers(
    map,
    {
      cert_file: (entry) => (block.certFile = readFile(entry, context)),
      key_file: (entry) => (block.keyFile = readFile(entry, context)),
      ca_file: (entry) => (config.ca_file = readFile(entry, context)),
      certs: readCertificates,
      certificates: readCertificates,
      insecure: (entry) => (block.insecure = readFlag(entry, context)),
      verify: (entry) => (config.verify = readFlag(entry, context) || config.verify),
      verify_and_map: (entry) => {
        config.verify_and_map = readFlag(entry, context);
        config.verify ||= config.verify_and_map;
      },
      verify_cert_and_check_known_urls: (entry) => {
        if (!readFlag(entry, context)) return;
        report.error(entry.at, "verify_cert_and_check_known_urls not supported in this context");
      },
      allow_insecure_cipher_suites: (entry) => (block.allowsInsecureSuites = readFlag(entry, context)),
      cipher_suites: (entry) => (config.cipher_suites = readNames(entry, suiteProblem, context)),
      curve_preferences: (entry) => (config.curve_preferences = readNames(entry, curveProblem, context)),
      min_version: (entry) => (config.min_version = readVersion(entry, context)),
      handshake_first: readFirst,
      first: readFirst,
      immediate: readFirst,
      timeout: (entry) => (config.timeout = readTimeout(entry, context)),
      connection_rate_limit: (entry) => {
        if (entry.value.kind === "int") config.connection_rate_limit = Math.max(0, Number(entry.value.value));
        else report.error(entry.at, "error parsing tls config, 'connection_rate_limit' wrong type");
      },
      pinned_certs: (entry) => (config.pinned_certs = readPinned(entry, context)),
      ocsp_peer: (entry) => (config.ocsp_peer = readOcspPeer(entry, context) ?? null),
      watch: (entry) => (config.watch = readFlag(entry, context)),
      ...certificateStoreReaders(context),
    },
    context,
    (key) => `error parsing tls config, unknown field ${quoted(key)}`,
  );
}

/** Checks members against one another, and makes one list of the certificates. Returns what is wrong, or null. */
function finish({ config, certFile, keyFile, allowsInsecureSuites }: TlsBlock): string | null {
  if (config.certificates.length > 0 && certFile !== "") {
    return "error parsing tls config, cannot combine 'cert_file' option with 'certs' option";
  }
  const insecure = config.cipher_suites.filter((name) => suiteKind(name) !== "secure");
  if (insecure.length > 0 && !allowsInsecureSuites) {
    return `insecure cipher suites configured without 'allow_insecure_cipher_suites' option set: ${insecure.join(", ")}`;
  }
  if (certFile !== "" && keyFile === "") return "missing 'key_file' in TLS configuration";
  if (certFile === "" && keyFile !== "") return "missing 'cert_file' in TLS configuration";
  if (certFile !== "") config.certificates = [{ cert_file: certFile, key_file: keyFile }];
  return null;
}

function readFile({ key, value, at }: ConfigEntry, { report }: ReadContext): string {
  if (value.kind === "string") return value.value;
  report.error(at, `error parsing tls config, expected '${key.toLowerCase()}' to be filename`);
  return "";
}

function readFlag({ key, value, at }: ConfigEntry, { report }: ReadContext): boolean {
  if (value.kind === "bool") return value.value;
  report.error(at, `error parsing tls config, expected '${key.toLowerCase()}' to be a boolean`);
  return false;
}

function readTimeout({ value, at }: ConfigEntry, { report }: ReadContext): number {
  const ms = millisecondsOf(value);
  if (typeof ms === "string")
    report.error(at, `error parsing tls config, 'timeout' ${value.kind === "string" ? ms : "wrong type"}`);
  else if (ms < 0) report.error(at, "error parsing tls config, 'timeout' needs to be positive");
  else if (ms > 0) return ms;
  return DEFAULT_TLS_TIMEOUT_MS;
}

/** A list of names, none of which `problemOf` finds anything wrong with. */
function readNames(
  entry: ConfigEntry,
  problemOf: (name: string) => string | null,
  { report }: ReadContext,
): string[] {
  const { key, value, at } = entry;
  const names: string[] = [];
  if (value.kind !== "array") {
    wrongKind(entry, "a list of names", report);
    return names;
  }
  if (value.items.length === 0) {
    report.error(at, `error parsing tls config, '${key.toLowerCase()}' cannot be empty`);
  }
  for (const item of value.items) {
    const problem = item.kind === "string" ? problemOf(item.value) : `"${key}" must be a list of names`;
    if (item.kind === "string" && problem === null) names.push(item.value);
    else report.error(item.at, problem ?? "");
  }
  return names;
}

function suiteProblem(name: string): string | null {
  return suiteKind(name) === "unknown" ? `unrecognized cipher ${name}` : null;
}

function curveProblem(name: string): string | null {
  return isCurve(name) ? null : `unrecognized curve preference ${name}`;
}

function readVersion({ value, at }: ConfigEntry, { report }: ReadContext): "1.2" | "1.3" {
  const text = value.kind === "string" ? value.value : null;
  if (text === "1.2" || text === "1.3") return text;
  const reason =
    text === null
      ? `'min_version' wrong type: ${shown(value)}`
      : text === "1.0" || text === "1.1"
        ? `unsupported TLS version: TLS ${text}`
        : `unknown version: ${text}`;
  report.error(at, `error parsing tls config: ${reason}`);
  return "1.2";
}

function readHandshakeFirst({ key, value, at }: ConfigEntry, { report }: ReadContext): HandshakeFirst {
  if (value.kind !== "bool" && value.kind !== "string") {
    report.error(at, `field ${quoted(key)} should be a boolean or a string, got ${goType(value)}`);
    return "never";
  }
  const first = handshakeFirstOf(value.kind === "bool" ? String(value.value) : value.value);
  if (first === null)
    report.error(at, `field ${quoted(key)}'s value ${quoted(String(value.value))} is invalid`);
  return first ?? "never";
}

/** Null: the text means nothing. */
function handshakeFirstOf(text: string): HandshakeFirst | null {
  switch (text.toLowerCase()) {
    case "true":
    case "on":
      return "always";
    case "false":
    case "off":
      return "never";
    case "auto":
    case "auto_fallback":
      return { waitMs: AUTO_HANDSHAKE_MS };
    default: {
      const duration = parseDuration(text);
      if ("problem" in duration) return null;
      return duration.ms > 0 ? { waitMs: duration.ms } : "always";
    }
  }
}

function readPinned({ value, at }: ConfigEntry, { report }: ReadContext): string[] {
  const form = "hex-encoded sha256 of DER encoded SubjectPublicKeyInfo";
  if (value.kind !== "array") {
    report.error(at, `error parsing tls config, expected 'pinned_certs' to be a list of ${form}`);
    return [];
  }
  const pinned: string[] = [];
  for (const item of value.items) {
    const key = item.kind === "string" ? item.value.toLowerCase() : shown(item);
    if (PINNED.test(key)) pinned.push(key);
    else
      report.error(item.at, `error parsing tls config, 'pinned_certs' key ${key} does not look like ${form}`);
  }
  return pinned;
}
