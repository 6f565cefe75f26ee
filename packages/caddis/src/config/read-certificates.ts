import type { ReadContext } from "./read-context.ts";
import { goType, lastPlace, quoted, readMembers, type MemberReaders } from "./read-value.ts";
import type { CertificateFiles } from "./tls.ts";
import type { ConfigEntry, ConfigValue } from "./value.ts";

/** How a `tls` block names certificates, apart from `cert_file` and `key_file`. */

/** Reads `tls.certs`: a list of maps. */
export function readCertificateFiles({ value, at }: ConfigEntry, context: ReadContext): CertificateFiles[] {
  if (value.kind !== "array") {
    context.report.error(at, `error parsing certificates config: unsupported type ${goType(value)}`);
    return [];
  }
  return value.items.map((item) => readCertificatePair(item, context)).filter((pair) => pair !== null);
}

/** Null when something was wrong and reported. */
function readCertificatePair(item: ConfigValue, context: ReadContext): CertificateFiles | null {
  const { report } = context;
  if (item.kind !== "map") {
    report.error(item.at, `error parsing certificates config: unsupported type ${goType(item)}`);
    return null;
  }
  const pair = { cert_file: "", key_file: "" };
  const errors = report.errors.length;
  const fileOf = ({ value, at }: ConfigEntry): string => {
    if (value.kind === "string") return value.value;
    report.error(at, `error parsing certificates config: unsupported type ${goType(value)}`);
    return "";
  };
  readMembers(
    item,
    {
      cert_file: (entry) => (pair.cert_file = fileOf(entry)),
      key_file: (entry) => (pair.key_file = fileOf(entry)),
    },
    context,
    (key) => `error parsing tls certs config, unknown field ${quoted(key)}`,
  );
  if (report.errors.length > errors) return null;
  if (pair.cert_file !== "" && pair.key_file !== "") return pair;
  // The reference's words, though the option is called key_file.
  const reason = "both 'cert_file' and 'cert_key' options are required";
  report.error(lastPlace(item), `error parsing certificates config: ${reason}`);
  return null;
}

/** The certificate stores of Windows are not supported: the options are known, and refused as on other systems. */
export function certificateStoreReaders({ report }: ReadContext): MemberReaders {
  const textOf = ({ key, value, at }: ConfigEntry): string => {
    if (value.kind === "string" && value.value !== "") return value.value;
    report.error(at, `expected '${key.toLowerCase()}' to be a valid non-empty string`);
    return "";
  };
  return {
    cert_store: (entry) => {
      const name = textOf(entry);
      if (name === "") return;
      const isKnown = /^windows(currentuser|localmachine)$/i.test(name);
      report.error(
        entry.at,
        isKnown
          ? "cert_store not compatible with current operating system"
          : "cert store type not implemented",
      );
    },
    cert_match_by: (entry) => {
      if (/^(issuer|subject|thumbprint|)$/i.test(textOf(entry))) return;
      report.error(entry.at, "cert match by type not implemented");
    },
    cert_match: textOf,
    ca_certs_match: () => {},
    cert_match_skip_invalid: ({ value, at }) => {
      if (value.kind !== "bool") report.error(at, "expected 'cert_match_skip_invalid' to be a boolean");
    },
  };
}
