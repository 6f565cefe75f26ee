import { type FlagKind, type GivenFlag, parseGoFlags } from "./go-flags.ts";

/** What `store` is asked for. */
export interface StoreLine {
  readonly action: "verify" | "repair" | "dump";
  readonly folder: string;
  readonly wantsJson: boolean;
  /** Dump: payloads and headers too. */
  readonly wantsContent: boolean;
  /** What the files are encrypted with; empty: they are not, or nobody says. */
  readonly key: string;
  /** The key of before; empty: there was none. */
  readonly previousKey: string;
  readonly cipher: "chacha" | "aes";
}

/** Variables of the environment that say what stands in no option: everybody on a machine sees those. */
const KEY_VARIABLE = "CADDIS_STORE_KEY";
const PREVIOUS_KEY_VARIABLE = "CADDIS_STORE_PREV_KEY";

const FLAGS: ReadonlyMap<string, FlagKind> = new Map([
  ["json", "bool"],
  ["content", "bool"],
  ["key", "string"],
  ["prev-key", "string"],
  ["cipher", "string"],
  ["help", "bool"],
  ["h", "bool"],
]);

/** Help for `store`. */
export function storeHelp(exe: string): string {
  return `
Usage: ${exe} store verify <folder> [--json] [--key <key>]
       ${exe} store repair <folder> [--key <key> [--cipher aes]]
       ${exe} store dump <folder> [--content] [--key <key>]

Looks after what streams keep in files, while no server has them open: messages, consumers, configurations. <folder>
is that of one stream, or one that has such folders somewhere below: the server's store_dir.
verify reads everything and says what can't be read. It changes nothing. Without the key, checksums show damage;
       with it, also what somebody has altered on purpose.
repair reads everything anew and writes the checkpoints that a start goes by; what can't be read is copied to
       files beside it and counts as lost. Nothing is removed. With a key, what is to be encrypted with it is.
dump   writes each record as a line of JSON, in the order of the log; without the key, of what is encrypted only
       where it is.
Exit code: 0 all is well, 1 something is damaged, 2 it could not be done.

    --json             Answer as JSON (verify)
    --content          With headers and payloads, and the states of consumers (dump)
    --key <key>        What the files are encrypted with; better in ${KEY_VARIABLE}, where others don't see it
    --prev-key <key>   The key of before; ${PREVIOUS_KEY_VARIABLE}
    --cipher <name>    What repair encrypts with: chacha (default) or aes
    -h, --help         Show this text

`;
}

/** Reads what stands behind `store`, and keys in the environment; a text says what is wrong, null asks for help. */
export function parseStoreLine(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): StoreLine | string | null {
  const flags: GivenFlag[] = [];
  const words: string[] = [];
  // Flags may stand before, between and behind the words.
  for (let rest = args; rest.length > 0;) {
    const parsed = parseGoFlags(rest, (name) => FLAGS.get(name));
    if ("problem" in parsed) return parsed.problem;
    flags.push(...parsed.flags);
    words.push(...parsed.words.slice(0, 1));
    rest = parsed.words.slice(1);
  }
  const given = (...names: readonly string[]): GivenFlag["value"] | undefined =>
    flags.findLast(({ name }) => names.includes(name))?.value;
  if (given("help", "h") === true) return null;
  const [action = "", folder = "", ...more] = words;
  if (action !== "verify" && action !== "repair" && action !== "dump") {
    return "the commands are store verify, store repair and store dump";
  }
  if (folder === "" || more.length > 0) return `store ${action} takes one folder`;
  const cipher = given("cipher") ?? "chacha";
  if (cipher !== "chacha" && cipher !== "aes") return "--cipher is chacha or aes";
  return {
    action,
    folder,
    wantsJson: given("json") === true,
    wantsContent: given("content") === true,
    key: String(given("key") ?? env[KEY_VARIABLE] ?? ""),
    previousKey: String(given("prev-key") ?? env[PREVIOUS_KEY_VARIABLE] ?? ""),
    cipher,
  };
}
