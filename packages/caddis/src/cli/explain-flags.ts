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
  /** Null: no stream in particular. */
  readonly about: { readonly account: string; readonly stream: string; readonly consumer: string } | null;
}

const FLAGS: ReadonlyMap<string, FlagKind> = new Map([
  ["server", "string"],
  ["s", "string"],
  ["json", "bool"],
  ["insecure", "bool"],
  ["account", "string"],
  ["help", "bool"],
  ["h", "bool"],
]);

/** Help for `explain`. */
export function explainHelp(exe: string): string {
  return `
Usage: ${exe} explain [options]
       ${exe} explain [options] connection <cid>
       ${exe} explain [options] subscription <cid> <sid>
       ${exe} explain [options] stream <stream>
       ${exe} explain [options] consumer <stream> <consumer>

Says what is wrong with a running server, or what there is to say about one of its connections: who it is, what
it may do, what waits for it and why, and of a closed one why it was closed; or about a stream, and why a consumer
delivers nothing just now. Asks the server's monitoring.
Exit code: 0 answered, 1 answered and a finding is an error, 2 no answer.

    --server, -s <url>              Monitoring of the server (default: ${DEFAULT_SERVER})
    --account <name>                Account of the stream (default: $G)
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
  const asked = readWords(words, String(given("account") ?? ""));
  if (typeof asked === "string") return asked;
  return { server, wantsJson: given("json") === true, insecure: given("insecure") === true, ...asked };
}

type Asked = Pick<ExplainLine, "cid" | "sid" | "about">;

function readWords(words: readonly string[], account: string): Asked | string {
  const [what = "", ...names] = words;
  if (what === "") return { cid: 0, sid: "", about: null };
  if (what !== "stream" && what !== "consumer") return readConnection(words);
  const [stream = "", consumer = "", ...more] = names;
  const isComplete = stream !== "" && (what === "stream") === (consumer === "") && more.length === 0;
  if (isComplete) return { cid: 0, sid: "", about: { account, stream, consumer } };
  return what === "stream"
    ? "explain stream takes the name of one stream"
    : "explain consumer takes the names of a stream and of one of its consumers";
}

function readConnection(words: readonly string[]): Asked | string {
  const [what = "", cid = "", sid = "", ...more] = words;
  const isConnection = what === "connection";
  if (!isConnection && what !== "subscription")
    return `there is explain connection, subscription, stream and consumer, no explain ${JSON.stringify(what)}`;
  if (!/^[1-9]\d{0,14}$/.test(cid)) return `explain ${what} takes the number of a connection (cid)`;
  if (isConnection ? sid !== "" : sid === "" || more.length > 0) {
    return isConnection
      ? "explain connection takes one number"
      : "explain subscription takes the id (sid) of one subscription";
  }
  return { cid: Number(cid), sid, about: null };
}
