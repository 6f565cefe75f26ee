import { readTextFile } from "../io/node/process-files.ts";
import { STDERR_FD, STDOUT_FD, writeTextSync } from "../io/node/write-sync.ts";
import { answerPolicy } from "../server/policy/answer-policy.ts";
import type { PolicyAnswer, PolicyQuestion } from "../server/policy/policy.ts";
import { isJwtText } from "../server/policy/request.ts";
import { type AuthTestLine, parseAuthTest } from "./auth-test-flags.ts";
import { answerText, authTestHelp } from "./auth-test-text.ts";
import { parseCommandLine } from "./flags.ts";
import { loadOptions } from "./load-options.ts";

const ALLOWED = 0;
const DENIED = 1;
const NO_ANSWER = 2;

/**
 * The command `auth`, of which there is `auth test`: what a configuration allows to a user, and why. `args` are all
 * that the program was given. Resolves to the exit code: 0 for allowed, 1 for denied, 2 where there is no answer.
 */
export async function authCommand(exe: string, args: readonly string[]): Promise<number> {
  const [first, second, ...rest] = args.map((arg, i) => (i < 2 ? arg.toLowerCase() : arg));
  // Flags of the server in front of it would say something that the file does not.
  if (first !== "auth" || second !== "test")
    return misused(exe, "the command is auth test, with its options behind it");
  const line = parseAuthTest(rest);
  if (typeof line === "string") return misused(exe, line);
  if (line === null) {
    writeTextSync(STDOUT_FD, authTestHelp(exe));
    return ALLOWED;
  }
  try {
    return tell(exe, line, await answerOf(line));
  } catch (error) {
    return complain(exe, error instanceof Error ? error.message : String(error));
  }
}

/** Throws an `Error` by whose message no server starts with that file, or by which another can't be read. */
function answerOf({ configFile, question }: AuthTestLine): Promise<PolicyAnswer> {
  const server = parseCommandLine(["-c", configFile]);
  if ("problem" in server) throw new Error(server.problem);
  return answerPolicy(loadOptions(server).options, withFiles(question));
}

/** The question with the texts of its files. */
function withFiles(question: PolicyQuestion): PolicyQuestion {
  const { creds, jwt } = question;
  return {
    ...question,
    ...(creds === undefined ? {} : { creds: readTextFile(creds) }),
    ...(jwt === undefined ? {} : { jwt: isJwtText(jwt) ? jwt : readTextFile(jwt) }),
  };
}

function tell(exe: string, { wantsJson }: AuthTestLine, answer: PolicyAnswer): number {
  if (wantsJson) writeTextSync(STDOUT_FD, `${JSON.stringify(answer, null, 2)}\n`);
  else if (answer.kind === "problem") return complain(exe, answer.reason);
  else writeTextSync(STDOUT_FD, answerText(answer));
  if (answer.kind === "problem") return NO_ANSWER;
  return answer.allowed ? ALLOWED : DENIED;
}

function misused(exe: string, problem: string): number {
  return complain(exe, `${problem}; see ${exe} auth test --help`);
}

function complain(exe: string, problem: string): number {
  writeTextSync(STDERR_FD, `${exe}: ${problem}\n`);
  return NO_ANSWER;
}
