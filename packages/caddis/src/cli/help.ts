import { CADDIS_VERSION, COMPATIBLE_VERSION } from "../base/version.ts";
import { dashed, FLAG_GROUPS, type Flag } from "./flags.ts";

/** Where the texts stand, in characters from the left. */
const TEXT_COLUMN = 37;

/** The text of `-h`, made from the table of flags. */
export function helpText(exe: string): string {
  const lines = ["", `Usage: ${exe} [options]`];
  for (const { title, flags } of FLAG_GROUPS) {
    lines.push("", `${title}:`, ...flags.map(helpLine));
  }
  return `${lines.join("\n")}\n\n`;
}

/** The text of `--help_tls`. */
export const TLS_HELP = "\nTLS is not supported yet: the server does not start with tls options.\n\n";

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

function helpLine(flag: Flag): string {
  const names = flag.names.map(dashed).join(", ");
  const left = `    ${names} ${flag.placeholder}`.trimEnd();
  return `${left.padEnd(TEXT_COLUMN - 1)} ${flag.help}`;
}
