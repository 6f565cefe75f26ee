import type { Change, ConfigDiff } from "./config-diff.ts";
import { CONFIG_FLAGS } from "./config-flags.ts";
import { dashed } from "./flags.ts";

/** Where the texts of help stand, in characters from the left. */
const HELP_COLUMN = 37;

/** Help for `config`. */
export function configHelp(exe: string): string {
  const lines = CONFIG_FLAGS.map(({ names, placeholder, help }) => {
    const left = `    ${names.map(dashed).join(", ")} ${placeholder}`.trimEnd();
    return `${left.padEnd(HELP_COLUMN - 1)} ${help}`;
  });
  return `
Usage: ${exe} config diff [options] <old file> <new file> [-- <server options>]
       ${exe} config diff [options] --running <url> <new file> [-- <server options>]
       ${exe} config show [options] <file> [-- <server options>]
       ${exe} config schema

diff says what would change, whether a reload changes it or a restart is needed, and where the values
come from. show says what a server would run with. schema prints a JSON schema for editors.
Exit code of diff: 0 nothing changes, 1 a reload changes it, 2 no answer, 3 a restart is needed.

Options:
${lines.join("\n")}

`;
}

/** A comparison for people. */
export function diffText({ changes, verdict }: ConfigDiff): string {
  if (verdict === "same") return "Nothing would change.\n";
  const easy = changes.filter(({ refusals }) => refusals.length === 0);
  const hard = changes.filter(({ refusals }) => refusals.length > 0);
  const lines: string[] = [];
  if (easy.length > 0) lines.push("A reload can change:", ...easy.flatMap(changeLines), "");
  if (hard.length > 0) lines.push("A restart is needed for:", ...hard.flatMap(changeLines), "");
  lines.push(
    verdict === "reload"
      ? "A reload makes all of these changes."
      : "A reload would be refused as a whole, and nothing would change: restart the server.",
  );
  return `${lines.join("\n")}\n`;
}

function changeLines(change: Change): string[] {
  const { option, before, after, members, from, to, refusals } = change;
  const isShown = before !== null && after !== null;
  const what = isShown
    ? `: ${before} -> ${after}`
    : members.length > 0
      ? `: ${members.join(", ")}`
      : ": changed";
  return [
    `    ${option}${what}`,
    `        from ${from} to ${to}`,
    ...refusals.map((text) => `        ${text}`),
  ];
}

/** An option in force, and where it has its value from. */
export interface ShownOption {
  readonly option: string;
  /** Null: not to be shown. */
  readonly value: string | null;
  readonly from: string;
}

/** The options of a setup for people. */
export function optionsText(options: readonly ShownOption[]): string {
  const names = Math.max(0, ...options.map(({ option }) => option.length));
  const values = Math.max(0, ...options.map(({ value }) => valueText(value).length));
  const lines = options.map(({ option, value, from }) => {
    return `${option.padEnd(names)}  ${valueText(value).padEnd(Math.min(values, VALUE_WIDTH_MAX))}  ${from}\n`;
  });
  return lines.join("");
}

/** A long value does not push away the places of all others. */
const VALUE_WIDTH_MAX = 32;

function valueText(value: string | null): string {
  return value ?? "(set)";
}
