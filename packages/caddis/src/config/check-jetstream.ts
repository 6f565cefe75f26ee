import { isValidLiteralSubject, toWireString } from "../subject/subject.ts";
import type { Options } from "./options.ts";

/** What is wrong with the options of JetStream together, in the reference's words. */
export function jetStreamProblems({ jetstream, accounts, system_account }: Options): readonly string[] {
  const { domain, enabled } = jetstream;
  const problems: string[] = [];
  const system = accounts.find(({ name }) => name === (system_account || "$SYS"));
  if (enabled && system?.jetstream !== undefined) {
    problems.push("Not allowed to enable JetStream on the system account");
  }
  if (domain === "") return problems;
  const subject = `$JS.${domain}.API.>`;
  if (!isValidLiteralSubject(toWireString(`$JS.${domain}.API`))) {
    problems.push(`invalid domain name: derived ${JSON.stringify(subject)} is not a valid subject`);
  } else if (/[ \t\r\n\f.*>]/.test(domain)) {
    problems.push("invalid domain name: may not contain ., * or >");
  }
  return problems;
}
