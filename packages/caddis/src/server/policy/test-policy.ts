import type { ServerOptions } from "../embedded-options.ts";
import type { PolicyAnswer, PolicyQuestion } from "./policy.ts";

/**
 * Says what a server with these options would decide, and why, without starting one: nothing listens, and nothing
 * is written. It asks the code that decides in a running server. A question about nobody, or that makes no sense,
 * is answered by `problem`; rejects with a `ConfigError` for options by which no server starts.
 */
export async function testPolicy(options: ServerOptions, question: PolicyQuestion): Promise<PolicyAnswer> {
  // Servers don't need it: it is loaded by whoever asks.
  const { resolveEmbeddedOptions } = await import("../embedded-options.ts");
  const { answerPolicy } = await import("./answer-policy.ts");
  return answerPolicy(resolveEmbeddedOptions(options, true), question);
}
