import { createHttpClient } from "../io/node/http-client.ts";
import { oneLine } from "../io/node/log-format.ts";
import { STDERR_FD, STDOUT_FD, writeTextSync } from "../io/node/write-sync.ts";
import { type ExplainLine, explainHelp, parseExplain } from "./explain-flags.ts";

const ANSWERED = 0;
const FOUND_ERRORS = 1;
const NO_ANSWER = 2;

/** A server that takes longer is asked in vain; what it says is a few kilobytes. */
const LIMITS = { timeoutMs: 10_000, bytesMax: 16 * 1024 * 1024 };

const OK = 200;

/** The command `explain`. `args` are all that the program was given. Resolves to the exit code. */
export async function explainCommand(exe: string, args: readonly string[]): Promise<number> {
  if (args[0]?.toLowerCase() !== "explain") return complain(exe, "options of explain stand behind it");
  const line = parseExplain(args.slice(1));
  if (typeof line === "string") return complain(exe, `${line}; see ${exe} explain --help`);
  if (line === null) {
    writeTextSync(STDOUT_FD, explainHelp(exe));
    return ANSWERED;
  }
  const client = createHttpClient(
    line.insecure ? { certificates: [], ca_file: "", min_version: "1.2", insecure: true } : null,
  );
  if (typeof client === "string") return complain(exe, client);
  try {
    const fetched = await client.get(urlOf(line), LIMITS);
    if (!fetched.ok) return complain(exe, `no answer from ${shownUrl(line.server)}: ${fetched.problem}`);
    if (fetched.status !== OK) {
      return complain(exe, `${shownUrl(line.server)}: ${oneLine(fetched.body.trim() || fetched.statusText)}`);
    }
    return tell(exe, line, fetched.body);
  } finally {
    client.close();
  }
}

/** `/explainz` below the URL, which may have a path of its own. */
function urlOf({ server, cid, sid, about }: ExplainLine): string {
  const url = new URL(server);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/explainz`;
  url.search = "";
  if (cid > 0) url.searchParams.set("cid", String(cid));
  if (sid !== "") url.searchParams.set("sid", sid);
  if (about !== null) {
    if (about.account !== "") url.searchParams.set("acc", about.account);
    url.searchParams.set("stream", about.stream);
    if (about.consumer !== "") url.searchParams.set("consumer", about.consumer);
  }
  return url.href;
}

/** Without what may be a password in it. */
function shownUrl(server: string): string {
  const { protocol, host } = new URL(server);
  return `${protocol}//${host}`;
}

function tell(exe: string, { wantsJson }: ExplainLine, body: string): number {
  const answer = readAnswer(body);
  if (answer === null) return complain(exe, "the answer is not that of /explainz");
  // What clients call themselves must not drive the terminal.
  const text = wantsJson ? body.trimEnd() : answer.summary.map(oneLine).join("\n");
  writeTextSync(STDOUT_FD, `${text}\n`);
  return answer.hasErrors ? FOUND_ERRORS : ANSWERED;
}

/** Null when it is no answer of /explainz. */
function readAnswer(body: string): { summary: readonly string[]; hasErrors: boolean } | null {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return null;
  }
  const summary = member(value, "summary");
  const found = member(value, "findings");
  if (!Array.isArray(summary) || !Array.isArray(found)) return null;
  return {
    summary: summary.map(String),
    hasErrors: found.some((one) => member(one, "severity") === "error"),
  };
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

function complain(exe: string, problem: string): number {
  writeTextSync(STDERR_FD, `${exe}: ${problem}\n`);
  return NO_ANSWER;
}
