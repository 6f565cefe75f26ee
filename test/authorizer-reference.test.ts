/** Permissions against the reference server: what random policies allow random operations. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Authorizer } from "../packages/caddis/src/auth/authorizer.ts";
import { ResponsePermits } from "../packages/caddis/src/auth/response-permits.ts";
import type { Permissions, SubjectRules } from "../packages/caddis/src/config/permissions.ts";
import {
  literalSubject,
  naiveMaySubscribe,
  type Operation,
  operation,
  permissions,
} from "./support/naive-permissions.ts";
import { RawClient } from "./support/raw-client.ts";
import { findReferenceServer, ServerProcess } from "./support/server-process.ts";
import { subjectMatches } from "./support/subject-match.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

/** Policies that one server has as its users. */
const POLICIES = 50;
const ADMIN = "admin";

interface Case {
  readonly policy: Permissions;
  readonly operations: readonly Operation[];
  /** What is published to each subscription. */
  readonly subjects: readonly string[];
}

const anyCase: fc.Arbitrary<Case> = fc.record({
  policy: permissions,
  operations: fc.array(operation, { minLength: 12, maxLength: 20 }),
  subjects: fc.array(literalSubject, { minLength: 6, maxLength: 10 }),
});

/** The ASCII texts of policies are such that JSON is the configuration language as well. */
function listsOf(name: string, { allow, deny }: SubjectRules): string[] {
  const lists = { ...(allow !== null && { allow }), ...(deny.length > 0 && { deny }) };
  return allow === null && deny.length === 0 ? [] : [`${name}: ${JSON.stringify(lists)}`];
}

function configOf(policies: readonly Permissions[]): string {
  const users = policies.map(({ publish, subscribe, responses }, i) => {
    const fields = [...listsOf("publish", publish), ...listsOf("subscribe", subscribe)];
    if (responses !== null) {
      fields.push(`allow_responses: {max: ${responses.max}, expires: "${responses.expiresMs}ms"}`);
    }
    return `{user: u${i}, password: p, permissions: {${fields.join(", ")}}}`;
  });
  return `authorization { users = [\n${users.join("\n")}\n{user: ${ADMIN}, password: p}\n] }\n`;
}

async function login(server: ServerProcess, user: string): Promise<RawClient> {
  const client = await RawClient.connect(server.port);
  client.send(`CONNECT {"user":"${user}","pass":"p","verbose":false,"pedantic":false}\r\n`);
  assert.ok(await client.barrier(), user);
  client.lines.length = 0;
  return client;
}

/** Does what `bytes` say and gives the lines that came since the last time. */
async function outcome(client: RawClient, bytes: string): Promise<string[]> {
  client.send(bytes);
  assert.ok(await client.barrier(), bytes);
  return client.lines.splice(0);
}

/** Whether what was done is refused; fails for any other error. */
function isRefused(lines: readonly string[], context: string): boolean {
  const errors = lines.filter((line) => line.startsWith("-ERR"));
  for (const error of errors) assert.match(error, /^-ERR 'Permissions Violation for /, context);
  return errors.length > 0;
}

/** One user's connection, and one that may do everything, in one account where nobody else does anything. */
class Trial {
  readonly #case: Case;
  readonly #authorizer: Authorizer;
  readonly #user: RawClient;
  readonly #admin: RawClient;
  readonly #name: string;

  constructor(tried: Case, user: RawClient, admin: RawClient) {
    this.#case = tried;
    this.#authorizer = new Authorizer(tried.policy);
    this.#user = user;
    this.#admin = admin;
    this.#name = JSON.stringify(tried.policy);
  }

  async run(): Promise<void> {
    for (const attempt of this.#case.operations) {
      if (attempt.kind === "publish") await this.#publish(attempt.subject);
      else await this.#subscribe(attempt.subject, attempt.queue);
    }
    await this.#answer();
  }

  async #publish(subject: string): Promise<void> {
    const context = `${this.#name} PUB ${subject}`;
    const lines = await outcome(this.#user, `PUB ${subject} 0\r\n\r\n`);
    assert.equal(!isRefused(lines, context), this.#mayPublish(subject), context);
  }

  async #subscribe(subject: string, queue: string): Promise<void> {
    const context = `${this.#name} SUB ${subject} ${queue}`;
    const { policy, subjects } = this.#case;
    const isAllowed = !isRefused(await outcome(this.#user, `SUB ${subject} ${queue} 1\r\n`), context);
    assert.equal(isAllowed, naiveMaySubscribe(policy, subject, queue, "reference"), context);
    const mayHere = this.#authorizer.maySubscribe(subject, queue);
    if (mayHere !== isAllowed) {
      // The only difference: a rule that does not cover all of a subscription allows it there.
      assert.ok(!mayHere && (subject === ">" || subject.endsWith(".>")), context);
    } else if (isAllowed) {
      await outcome(this.#admin, subjects.map((published) => `PUB ${published} 0\r\n\r\n`).join(""));
      const lines = await outcome(this.#user, "");
      const arrived = lines.flatMap((line) => /^MSG ([^ ]+) 1 0$/.exec(line)?.[1] ?? []);
      const expected = subjects.filter((published) => this.#isDelivered(published, subject, queue));
      assert.deepEqual(arrived, expected, context);
    }
    await outcome(this.#user, "UNSUB 1\r\n");
  }

  /** Answers one request as often as it goes, on a subject that the user may have. */
  async #answer(): Promise<void> {
    const { policy, subjects } = this.#case;
    const subject = subjects.find((candidate) => this.#authorizer.maySubscribe(candidate, ""));
    if (subject === undefined) return;
    const context = `${this.#name} answers to ${subject}`;
    await outcome(this.#user, `SUB ${subject} 2\r\n`);
    await outcome(this.#admin, `PUB ${subject} inbox.1 0\r\n\r\n`);
    assert.deepEqual(await outcome(this.#user, ""), [`MSG ${subject} 2 inbox.1 0`, ""], context);
    const permits = policy.responses === null ? null : new ResponsePermits(policy.responses);
    if (!this.#mayPublish("inbox.1")) permits?.note("inbox.1", 0);
    for (const answer of ["inbox.2", "inbox.1", "inbox.1", "inbox.1"]) {
      const expected = this.#mayPublish(answer) || (permits?.take(answer, 0) ?? false);
      const lines = await outcome(this.#user, `PUB ${answer} 0\r\n\r\n`);
      assert.equal(!isRefused(lines, context), expected, `${context}: ${answer}`);
    }
  }

  #mayPublish(subject: string): boolean {
    const buf = Buffer.from(subject, "latin1");
    return this.#authorizer.mayPublish(buf, 0, buf.length);
  }

  #isDelivered(subject: string, subscription: string, queue: string): boolean {
    if (!subjectMatches(subject, subscription)) return false;
    const buf = Buffer.from(subject, "latin1");
    return (
      !this.#authorizer.needsScreening(subscription, queue) ||
      this.#authorizer.mayDeliver(buf, 0, buf.length, queue)
    );
  }
}

async function assertSameDecisions(cases: readonly Case[]): Promise<void> {
  const config = configOf(cases.map(({ policy }) => policy));
  const server = await ServerProcess.start({ command: reference ?? "", config });
  try {
    const admin = await login(server, ADMIN);
    for (const [i, tried] of cases.entries()) {
      const user = await login(server, `u${i}`);
      await new Trial(tried, user, admin).run();
      await user.finish();
    }
    await admin.finish();
  } finally {
    await server.stop();
  }
}

test("random policies allow what they do in the reference", { skip }, async () => {
  await fc.assert(
    // Cases by their seed: a failure names the policy and the operation, and not all the others.
    fc.asyncProperty(fc.integer(), (seed) =>
      assertSameDecisions(fc.sample(anyCase, { seed, numRuns: POLICIES })),
    ),
    { numRuns: 3, endOnFailure: true },
  );
});
