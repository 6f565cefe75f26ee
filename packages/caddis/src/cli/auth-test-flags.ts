import { CONNECTION_TYPES } from "../config/users.ts";
import type { PolicyQuestion } from "../server/policy/policy.ts";
import { type FlagKind, type GivenFlag, parseGoFlags } from "./go-flags.ts";

type QuestionText = Exclude<keyof PolicyQuestion, "action" | "subject">;

/** A flag of `auth test`. */
interface Flag {
  readonly names: readonly string[];
  readonly kind: FlagKind;
  readonly placeholder: string;
  readonly help: string;
  /** The member of the question it gives; null: it is about the command. */
  readonly member: QuestionText | null;
}

/** All flags of `auth test`; they may stand before, between and behind the words. */
export const AUTH_TEST_FLAGS: readonly Flag[] = [
  flag("c config", "<file>", "Configuration file", null),
  flag("user", "<name|nkey>", "Configured user (default: whoever brings no credentials)", "user"),
  flag("account", "<name|nkey>", "Account the user has to be in; alone: somebody of it", "account"),
  flag("jwt", "<file|text>", "JWT of a user, in operator mode", "jwt"),
  flag("creds", "<file>", "Credentials file of a user, in operator mode", "creds"),
  flag("queue", "<name>", "Queue group to subscribe in", "queue"),
  flag("reply", "<subject>", "Reply subject to publish with", "reply"),
  flag("connection-type", "<type>", CONNECTION_TYPES.join(", "), "connectionType"),
  flag("host", "<address>", "Address the user comes from (default: 127.0.0.1)", "host"),
  { names: ["json"], kind: "bool", placeholder: "", help: "Answer as JSON", member: null },
  { names: ["h", "help"], kind: "bool", placeholder: "", help: "Show this text", member: null },
];

/** What the command line asks for. */
export interface AuthTestLine {
  readonly configFile: string;
  readonly wantsJson: boolean;
  /** `jwt` and `creds` are as they were given: names of files, but for a JWT that may be the text itself. */
  readonly question: PolicyQuestion;
}

/** Reads what stands behind `auth test`; a text says what is wrong, null asks for help. */
export function parseAuthTest(args: readonly string[]): AuthTestLine | string | null {
  const parsed = parseFlagsAndWords(args);
  if (typeof parsed === "string") return parsed;
  const { flags, words } = parsed;
  const given = (name: string): GivenFlag | undefined => flags.findLast((one) => one.name === name);
  if (given("help")?.value === true) return null;
  const [action, subject, ...more] = words;
  if (action !== "publish" && action !== "subscribe") return "say what is to be tested: publish or subscribe";
  if (subject === undefined || more.length > 0) return `${action} takes one subject`;
  const configFile = String(given("config")?.value ?? "");
  if (configFile === "") return "say which configuration is to be tested: -c <file>";
  const texts: Partial<Record<QuestionText, string>> = {};
  for (const { member, names } of AUTH_TEST_FLAGS) {
    const value = given(names[names.length - 1])?.value;
    if (member !== null && value !== undefined) texts[member] = String(value);
  }
  const { connectionType: typeText, ...others } = texts;
  const connectionType = CONNECTION_TYPES.find((type) => type === typeText?.toUpperCase());
  if (typeText !== undefined && connectionType === undefined) {
    return `there is no connection type ${JSON.stringify(typeText)}; there is ${CONNECTION_TYPES.join(", ")}`;
  }
  return {
    configFile,
    wantsJson: given("json")?.value === true,
    question: { action, subject, ...others, ...(connectionType === undefined ? {} : { connectionType }) },
  };
}

/** Flags by the last of their names, and words, whatever their order; `--` makes all that follow words. */
function parseFlagsAndWords(
  args: readonly string[],
): { readonly flags: readonly GivenFlag[]; readonly words: readonly string[] } | string {
  const flagOf = (name: string): Flag | undefined =>
    AUTH_TEST_FLAGS.find(({ names }) => names.includes(name));
  const end = args.indexOf("--");
  const flags: GivenFlag[] = [];
  const words: string[] = [];
  for (let rest = end < 0 ? args : args.slice(0, end); rest.length > 0;) {
    const parsed = parseGoFlags(rest, (name) => flagOf(name)?.kind);
    if ("problem" in parsed) return parsed.problem;
    for (const { name, value } of parsed.flags)
      flags.push({ name: flagOf(name)?.names.at(-1) ?? name, value });
    words.push(...parsed.words.slice(0, 1));
    rest = parsed.words.slice(1);
  }
  return { flags, words: end < 0 ? words : [...words, ...args.slice(end + 1)] };
}

function flag(names: string, placeholder: string, help: string, member: Flag["member"]): Flag {
  return { names: names.split(" "), kind: "string", placeholder, help, member };
}
