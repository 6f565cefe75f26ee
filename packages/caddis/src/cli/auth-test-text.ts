import { formatDuration } from "../config/duration.ts";
import type { ResponseRule } from "../config/permissions.ts";
import type {
  PermissionsSource,
  PolicyAnswer,
  PolicyDecision,
  PolicyRoute,
  PolicyUser,
  PublishAnswer,
  PublishOutcome,
  SubscribeAnswer,
} from "../server/policy/policy.ts";
import { dashed } from "./flags.ts";
import { AUTH_TEST_FLAGS } from "./auth-test-flags.ts";

/** Where the texts of facts stand, in characters from the left. */
const FACT_COLUMN = 11;
/** The same in help. */
const HELP_COLUMN = 37;

const SOURCES: Readonly<Record<PermissionsSource, string>> = {
  nowhere: "no permissions set",
  user: "permissions of its own",
  "account default": "default permissions of the account",
  "authorization default": "default permissions of the authorization block",
  "scoped signing key": "permissions of a scoped signing key",
};

/** Help for `auth test`. */
export function authTestHelp(exe: string): string {
  const lines = AUTH_TEST_FLAGS.map(({ help, names, placeholder }) => {
    const left = `    ${names.map(dashed).join(", ")} ${placeholder}`.trimEnd();
    return `${left.padEnd(HELP_COLUMN - 1)} ${help}`;
  });
  return `
Usage: ${exe} auth test -c <file> [options] publish <subject>
       ${exe} auth test -c <file> [options] subscribe <subject>

Says what a server with this configuration decides about a user, and why. No server is started.
Exit code: 0 allowed, 1 denied, 2 no answer.

Options:
${lines.join("\n")}

`;
}

/** An answer for people: what is decided, then one fact a line. */
export function answerText(answer: PolicyAnswer): string {
  const warnings = answer.warnings.map((warning) => fact("warning", warning));
  const lines =
    answer.kind === "publish"
      ? publishLines(answer)
      : answer.kind === "subscribe"
        ? subscribeLines(answer)
        : [`denied: ${answer.reason}`];
  return `${[...lines, ...warnings].map(printable).join("\n")}\n`;
}

function publishLines(answer: PublishAnswer): string[] {
  const { allowed, outcomes, reply, responses, subject, user } = answer;
  const lines = [`${headOf(allowed)} publish to ${subject}`, fact("why", why(answer)), userLine(user)];
  const isMapped = outcomes.length > 1 || outcomes[0].subject !== subject;
  if (isMapped) lines.push(...outcomes.map((outcome) => fact("mapping", mappingText(subject, outcome))));
  lines.push(
    ...outcomes.flatMap((outcome) => outcome.routes.flatMap((route) => routeLines(outcome.subject, route))),
  );
  if (reply !== null) {
    lines.push(
      fact("reply", `${reply.allowed ? "may" : "may not"} subscribe to ${reply.subject}: ${why(reply)}`),
    );
  }
  if (!allowed && responses !== null) lines.push(fact("answers", responsesText(responses)));
  return lines;
}

function subscribeLines(answer: SubscribeAnswer): string[] {
  const { allowed, feeds, queue, subject, user, withheld } = answer;
  const group = queue === "" ? "" : ` in queue group ${queue}`;
  return [
    `${headOf(allowed)} subscribe to ${subject}${group}`,
    fact("why", why(answer)),
    userLine(user),
    ...withheld.map((rule) =>
      fact("withheld", `messages that the deny rule "${rule}" covers are not delivered`),
    ),
    ...feeds.map(({ account, deliveredAs, subject: from }) =>
      fact(
        "stream",
        `${from} of account ${account} comes in${deliveredAs === from ? "" : ` as ${deliveredAs}`}`,
      ),
    ),
  ];
}

function headOf(allowed: boolean): string {
  return allowed ? "allowed:" : "denied:";
}

function userLine({ account, accountTag, name, nameTag, permissionsFrom, role }: PolicyUser): string {
  const who = name === "" ? "somebody" : nameTag === "" ? name : `${nameTag} (${name})`;
  const where = accountTag === "" ? account : `${accountTag} (${account})`;
  return fact(
    "user",
    `${who} in account ${where}, ${SOURCES[permissionsFrom]}${role === "" ? "" : ` (${role})`}`,
  );
}

function why({ reason, rule }: PolicyDecision): string {
  return rule === null ? reason : `${reason}: ${rule.list} "${rule.subject}"`;
}

function responsesText({ expiresMs, max }: ResponseRule): string {
  const count = max < 0 ? "any number of messages" : max === 1 ? "one message" : `${max} messages`;
  const time = expiresMs > 0 ? ` within ${formatDuration(expiresMs)}` : "";
  return `may answer each request it gets by ${count}${time}`;
}

function mappingText(from: string, outcome: PublishOutcome): string {
  const { allowed, percent, subject } = outcome;
  if (subject === "") return `${percent} % are lost`;
  const to = subject === from ? "keep their subject" : `go to ${subject}`;
  return `${percent} % ${to}, ${allowed ? "allowed" : "denied"}: ${why(outcome)}`;
}

function routeLines(from: string, route: PolicyRoute): string[] {
  const { account, exportedAs, importedAs, kind, onward, percent, subject } = route;
  const share = percent === 100 ? "" : ` (${percent} %)`;
  const to =
    subject === "" ? `to account ${account}, whose mappings lose it` : `to account ${account} as ${subject}`;
  const by =
    kind === "service" ? `by the service import of ${importedAs}` : `by its stream import of ${exportedAs}`;
  return [
    fact(kind, `${from} goes ${to}${share}, ${by}`),
    ...onward.flatMap((next) => routeLines(subject, next)),
  ];
}

function fact(name: string, text: string): string {
  return `  ${name.padEnd(FACT_COLUMN - 3)} ${text}`;
}

/** Subjects may hold what a terminal takes for a command. */
function printable(line: string): string {
  // oxlint-disable-next-line no-control-regex
  return line.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (char) => escaped(char));
}

function escaped(char: string): string {
  const known: Readonly<Record<string, string>> = { "\t": "\\t", "\n": "\\n", "\r": "\\r" };
  return known[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
