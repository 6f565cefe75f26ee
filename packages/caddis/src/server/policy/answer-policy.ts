import { Authorizer, type Decision } from "../../auth/authorizer.ts";
import type { Identity } from "../../auth/identity.ts";
import { assert } from "../../base/assert.ts";
import type { Options } from "../../config/options.ts";
import { SILENT_LOG } from "../../io/log.ts";
import {
  isValidConfiguredSubject,
  isValidLiteralSubject,
  toWireString,
  fromWireString,
} from "../../subject/subject.ts";
import {
  publishNotAllowed,
  queueNotAllowed,
  replyNotAllowed,
  subscriptionNotAllowed,
} from "../../wire/errors.ts";
import { nodePorts } from "../node-ports.ts";
import { findUser, type FoundUser } from "./find-user.ts";
import {
  type NoAnswer,
  type PolicyAnswer,
  type PolicyDecision,
  type PolicyQuestion,
  type PolicyUser,
  problem,
  type PublishAnswer,
  type PublishOutcome,
  type SubscribeAnswer,
} from "./policy.ts";
import type { Probe } from "./probe.ts";
import { requestOf } from "./request.ts";
import { feedsOf, routesFrom } from "./routes.ts";
import { type StillPorts, StillServer } from "./still-server.ts";

const UNRESTRICTED: Decision = {
  allowed: true,
  rule: null,
  reason: "the user has no permissions set: nothing is restricted",
};
const SERVERS_SUBJECT = "only servers publish there, whatever the rules say";
const SERVERS_REPLY = "only servers give such a reply subject";
const SERVERS_QUEUE = "this queue group is the servers' own";

/**
 * What a server with these options decides. It is asked for real, by a connection that nobody else hears of; why it
 * decides so say the same rules. Rejects with a `ConfigError` for options by which no server starts.
 */
export async function answerPolicy(
  options: Options,
  question: PolicyQuestion,
  ports: StillPorts = nodePorts(SILENT_LOG),
): Promise<PolicyAnswer> {
  const wrong = questionProblem(question);
  if (wrong !== null) return problem(wrong);
  const server = await StillServer.open(options, ports);
  try {
    return await answerOf(server, question);
  } finally {
    await server.close();
  }
}

/** What is wrong with the question, whatever the options are. */
function questionProblem({ action, subject, queue = "", reply = "", ...who }: PolicyQuestion): string | null {
  const isUsable =
    action === "publish" ? isPublishable(subject) : isValidConfiguredSubject(toWireString(subject));
  if (!isUsable) return `${JSON.stringify(subject)} is no subject to ${action} to`;
  if (reply !== "" && !isPublishable(reply)) return `${JSON.stringify(reply)} is no reply subject`;
  // Wildcards mean nothing there: a queue is a name.
  if (queue !== "" && !isValidConfiguredSubject(toWireString(queue))) {
    return `${JSON.stringify(queue)} is no name of a queue group`;
  }
  if (action === "publish" && queue !== "") return "a queue group is for subscriptions";
  if (action === "subscribe" && reply !== "") return "a reply subject is for publishing";
  const given = [who.user, who.jwt, who.creds].filter((one) => one !== undefined);
  return given.length > 1 ? "a user, a JWT and credentials exclude each other" : null;
}

function isPublishable(subject: string): boolean {
  const wire = toWireString(subject);
  return isValidConfiguredSubject(wire) && isValidLiteralSubject(wire);
}

async function answerOf(server: StillServer, question: PolicyQuestion): Promise<PolicyAnswer> {
  const found = await findUser(server, question);
  if ("kind" in found) return found;
  const { verdict } = found;
  // What is said later is about the probe, and nothing new.
  const warnings = [...new Set([...server.warnings, ...server.importProblems()])];
  if (!verdict.allowed) return refused(verdict.detail, warnings);
  const { connectionType, host } = requestOf(question);
  const probe = server.connect(verdict, connectionType, host);
  if (probe.refusal !== null) return refused(`the server answers "${probe.refusal}"`, warnings);
  const user = shownUser(server, found, verdict.identity);
  const answer =
    question.action === "publish"
      ? answerPublish(server, probe, user, question)
      : answerSubscribe(probe, user, question);
  return { ...answer, warnings };
}

function refused(reason: string, warnings: readonly string[]): NoAnswer {
  return { kind: "refused", allowed: false, reason: `the user is not let in: ${reason}`, warnings };
}

function shownUser(
  { broker }: StillServer,
  { permissionsFrom, role }: FoundUser,
  identity: Identity,
): PolicyUser {
  const { account, nameTag, user } = identity;
  const accountTag = broker.accounts.get(account)?.nameTag ?? "";
  return { name: user, nameTag, account, accountTag, permissionsFrom, role };
}

function answerPublish(
  server: StillServer,
  probe: Probe,
  user: PolicyUser,
  { reply = "", subject }: PolicyQuestion,
): Omit<PublishAnswer, "warnings"> {
  const { account, authorizer } = probe.client;
  const published = toWireString(subject);
  const outcomes = server.random
    .outcomesOf(() => account.mapped(published))
    .map(({ draw, outcome, percent }): PublishOutcome => {
      server.random.draw = draw;
      const decision = decidePublish(probe, published, outcome, toWireString(reply));
      server.random.draw = 0;
      const routes = decision.allowed && outcome !== "" ? routesFrom(server, account, outcome) : [];
      return { ...decision, percent, subject: fromWireString(outcome), routes };
    });
  const deciding = outcomes.find(({ allowed }) => !allowed) ?? outcomes[0];
  const { allowed, reason, rule } = deciding;
  return {
    kind: "publish",
    allowed,
    reason,
    rule,
    user,
    subject,
    outcomes,
    reply: reply === "" ? null : { ...decideSubscribe(probe, toWireString(reply), ""), subject: reply },
    responses: authorizer?.responses ?? null,
  };
}

function answerSubscribe(
  probe: Probe,
  user: PolicyUser,
  { queue = "", subject }: PolicyQuestion,
): Omit<SubscribeAnswer, "warnings"> {
  const { account } = probe.client;
  const [wireSubject, wireQueue] = [toWireString(subject), toWireString(queue)];
  const decision = decideSubscribe(probe, wireSubject, wireQueue);
  return {
    kind: "subscribe",
    ...decision,
    user,
    subject,
    queue,
    withheld: decision.allowed ? withheldFrom(probe, wireSubject, wireQueue) : [],
    feeds: decision.allowed ? feedsOf(account, wireSubject) : [],
  };
}

/** `mapped`: what the mappings make of `published` this time; empty: nothing is left to decide about. */
function decidePublish(probe: Probe, published: string, mapped: string, reply: string): PolicyDecision {
  const error = probe.publish(published, reply);
  if (mapped === "" && error === null)
    return { allowed: true, rule: null, reason: "the account's mappings lose it" };
  const explained = probe.client.authorizer?.explainPublish(mapped) ?? UNRESTRICTED;
  return agreed(error, explained, (text) => {
    if (text === publishNotAllowed(mapped)) return SERVERS_SUBJECT;
    return text === replyNotAllowed(reply) ? SERVERS_REPLY : null;
  });
}

function decideSubscribe(probe: Probe, subject: string, queue: string): PolicyDecision {
  const error = probe.subscribe(subject, queue);
  const explained = probe.client.authorizer?.explainSubscribe(subject, queue) ?? UNRESTRICTED;
  return agreed(error, explained, (text) =>
    [subscriptionNotAllowed(subject), queueNotAllowed(subject, queue)].includes(text) ? SERVERS_QUEUE : null,
  );
}

/** What the server did, and what the rules say about it. */
function agreed(
  error: string | null,
  explained: Decision,
  reasonOf: (error: string) => string | null,
): PolicyDecision {
  if (error === null) {
    assert(explained.allowed, "what the server does is allowed by the rules");
    return explained;
  }
  if (!explained.allowed) return explained;
  return {
    allowed: false,
    rule: null,
    reason: reasonOf(error) ?? `the server answers "${fromWireString(error)}"`,
  };
}

/** The deny rules that cover a part of a subscription. */
function withheldFrom({ client }: Probe, subject: string, queue: string): readonly string[] {
  const { authorizer } = client;
  if (authorizer === null || !authorizer.needsScreening(subject, queue)) return [];
  const { permissions } = authorizer;
  return permissions.subscribe.deny.filter((rule) => {
    const only = { ...permissions, subscribe: { allow: null, deny: [rule] } };
    return new Authorizer(only).needsScreening(subject, queue);
  });
}
