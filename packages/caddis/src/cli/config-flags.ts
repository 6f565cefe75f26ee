import { parseGoFlags, type FlagKind } from "./go-flags.ts";

/** What the commands under `config` are asked for. */
export interface ConfigLine {
  readonly files: readonly string[];
  /** Flags of the server, behind `--`: as it is started, or will be. */
  readonly serverFlags: readonly string[];
  readonly wantsJson: boolean;
  /** `show`: options at their defaults too. */
  readonly all: boolean;
  /** `diff`: URL of a running server's monitoring; empty: none. */
  readonly running: string;
  /** Certificate authority for that URL; empty: those that are built in. */
  readonly caFile: string;
  readonly help: boolean;
}

interface ConfigFlag {
  readonly names: readonly string[];
  readonly kind: FlagKind;
  readonly placeholder: string;
  readonly help: string;
}

/** All flags of `config diff` and `config show`. */
export const CONFIG_FLAGS: readonly ConfigFlag[] = [
  {
    names: ["running"],
    kind: "string",
    placeholder: "<url>",
    help: "diff: compare with a running server, by its monitoring",
  },
  { names: ["tlscacert"], kind: "string", placeholder: "<file>", help: "Certificate authority for that URL" },
  { names: ["all"], kind: "bool", placeholder: "", help: "show: options at their defaults too" },
  { names: ["json"], kind: "bool", placeholder: "", help: "Answer as JSON" },
  { names: ["h", "help"], kind: "bool", placeholder: "", help: "Show this text" },
];

/** Reads what stands behind `config diff` or `config show`; a text says what is wrong. Flags may stand anywhere. */
export function parseConfigLine(args: readonly string[]): ConfigLine | string {
  const end = args.indexOf("--");
  const given = new Map<string, boolean | number | string>();
  const files: string[] = [];
  let rest = end < 0 ? args : args.slice(0, end);
  while (rest.length > 0) {
    const parsed = parseGoFlags(rest, (name) => CONFIG_FLAGS.find(({ names }) => names.includes(name))?.kind);
    if ("problem" in parsed) return parsed.problem;
    for (const { name, value } of parsed.flags) given.set(name, value);
    files.push(...parsed.words.slice(0, 1));
    rest = parsed.words.slice(1);
  }
  return {
    files,
    serverFlags: end < 0 ? [] : args.slice(end + 1),
    wantsJson: given.get("json") === true,
    all: given.get("all") === true,
    running: String(given.get("running") ?? ""),
    caFile: String(given.get("tlscacert") ?? ""),
    help: given.get("help") === true || given.get("h") === true,
  };
}
