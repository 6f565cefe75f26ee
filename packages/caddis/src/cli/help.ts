import { CADDIS_VERSION, COMPATIBLE_VERSION } from "../base/version.ts";
import { CURVE_NAMES, SUITE_NAMES } from "../config/tls-names.ts";
import { dashed, FLAG_GROUPS, type Flag } from "./flags.ts";

/** Where the texts stand, in characters from the left. */
const TEXT_COLUMN = 37;

/** The text of `-h`, made from the table of flags. */
export function helpText(exe: string): string {
  const lines = [
    "",
    `Usage: ${exe} [options]`,
    `       ${exe} auth test --help`,
    `       ${exe} config --help`,
    `       ${exe} explain --help`,
    `       ${exe} store --help`,
  ];
  for (const { title, flags } of FLAG_GROUPS) {
    lines.push("", `${title}:`, ...flags.map(helpLine));
  }
  return `${lines.join("\n")}\n\n`;
}

/** The text of `--help_tls`. */
export const TLS_HELP = `
TLS is set up in the tls block of a configuration file:

    tls {
        cert_file:      "./certs/server-cert.pem"
        key_file:       "./certs/server-key.pem"
        ca_file:        "./certs/ca.pem"
        verify:         true
        verify_and_map: true

        cipher_suites: [
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        ]
        curve_preferences: [
            "X25519",
            "CurveP256"
        ]
    }

Available cipher suites include:
${indented(SUITE_NAMES)}

Available curve preferences include:
${indented(CURVE_NAMES)}

`;

/**
 * What `-v` writes. Called `nats-server`, stdout gets nothing but the line of nats-server: launchers and
 * installers compare the whole of it; who looks at a terminal sees our own version on stderr.
 */
export function versionText(exe: string): { stdout: string; stderr: string } {
  const compatible = `nats-server: v${COMPATIBLE_VERSION}`;
  const own = `caddis: v${CADDIS_VERSION}`;
  if (exe === "nats-server") return { stdout: `${compatible}\n`, stderr: `${own}\n` };
  return { stdout: `${own} (compatible with ${compatible})\n`, stderr: "" };
}

function indented(names: readonly string[]): string {
  return names.map((name) => `    ${name}`).join("\n");
}

function helpLine(flag: Flag): string {
  const names = flag.names.map(dashed).join(", ");
  const left = `    ${names} ${flag.placeholder}`.trimEnd();
  return `${left.padEnd(TEXT_COLUMN - 1)} ${flag.help}`;
}
