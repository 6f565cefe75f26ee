import type { Log } from "../../io/log.ts";

/** What came of an update or deletion; `account` is empty where no account is meant. */
export interface ClaimsOutcome {
  readonly account: string;
  readonly message: string;
  /** What went wrong; null: nothing. */
  readonly problem: string | null;
}

/** As HTTP counts. */
const OK = 200;
const FAILED = 500;

/** Notes an outcome in the log: what went wrong is to be seen by who runs the server too. */
export function logOutcome(log: Log, { account, message, problem }: ClaimsOutcome): void {
  const what = account === "" ? message : `${message} - ${account}`;
  if (problem === null) log.debug(what);
  else log.error(account === "" ? `${message} - ${problem}` : `${message} - ${account} - ${problem}`);
}

/** An outcome as JSON; `server` is the block that says who answers. */
export function outcomeJson(server: object, { account, message, problem }: ClaimsOutcome): string {
  const whose = account === "" ? {} : { account };
  return goJson(
    problem === null
      ? { server, data: { ...whose, code: OK, message } }
      : { server, error: { ...whose, code: FAILED, description: `${message} - ${problem}` } },
  );
}

/** The accounts a server holds, as JSON. */
export function listJson(server: object, accountIds: readonly string[]): string {
  return goJson({ data: accountIds, server });
}

/** JSON with the escapes of the reference's. */
function goJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
