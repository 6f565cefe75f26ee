import { type FlagKind, type GivenFlag, parseGoFlags } from "./go-flags.ts";

/** Where monitoring listens by custom. */
export const DEFAULT_SERVER = "http://127.0.0.1:8222";

/** What `explain` is asked for. */
export interface ExplainLine {
  /** URL of the server's monitoring. */
  readonly server: string;
  readonly wantsJson: boolean;
  /** Takes any certificate. */
  readonly insecure: boolean;
  /** 0: the server as a whole. */
  readonly cid: number;
  /** Empty: no subscription in particular. */
  readonly sid: string;
}

const FLAGS: ReadonlyMap<string, FlagKind> = new Map([
  ["server", "string"],
  ["s", "string"],
  ["json", "bool"],
  ["insecure", "bool"],
  ["help", "bool"],
  ["h", "bool"],
]);

/** Help for `explain`. */
export function explainHelp(exe: string): string {
  return `
Usage: ${exe} explain [options]
       ${exe} explain [options] connection <cid>
       ${exe} explain [options] subscription <cid> <sid>

Says what is wrong with a running server, or what there is to say about one of its connections: who it is, what
it may do, what waits for it and why, and of a closed one why it was closed. Asks the server's monitoring.
Exit code: 0 answered, 1 answered and a finding is an error, 2 no answer.

    --server, -s <url>              Monitoring of the server (default: ${DEFAULT_SERVER})
    --json                          Answer as JSON
    --insecure                      Takes any certificate
    -h, --help                      Show this text

`;
}

/** Reads what stands behind `explain`; a text says what is wrong, null asks for help. */
export function parseExplain(args: readonly string[]): ExplainLine | string | null {
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
  const server = String(given("server", "s") ?? DEFAULT_SERVER);
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
    return "--server takes the URL of the server's monitoring, such as http://127.0.0.1:8222";
  }
  const about = readWords(words);
  if (typeof about === "string") return about;
  return { server, wantsJson: given("json") === true, insecure: given("insecure") === true, ...about };
}

function readWords(words: readonly string[]): Pick<ExplainLine, "cid" | "sid"> | string {
  const [what = "", cid = "", sid = "", ...more] = words;
  if (what === "") return { cid: 0, sid: "" };
  const isConnection = what === "connection";
  if (!isConnection && what !== "subscription")
    return `there is explain connection and explain subscription, no explain ${JSON.stringify(what)}`;
  if (!/^[1-9]\d{0,14}$/.test(cid)) return `explain ${what} takes the number of a connection (cid)`;
  if (isConnection ? sid !== "" : sid === "" || more.length > 0) {
    return isConnection
      ? "explain connection takes one number"
      : "explain subscription takes the id (sid) of one subscription";
  }
  return { cid: Number(cid), sid };
}
