/**
 * The policy tester's answers are what a started server does, over random accounts, permissions, mappings and
 * imports: whether it refuses, and who gets which message in which account.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { accountProblems } from "../packages/caddis/src/broker/accounts.ts";
import type { AccountConfig } from "../packages/caddis/src/config/accounts.ts";
import type {
  AccountInput,
  ImportInput,
  PermissionsInput,
  SubjectRulesInput,
} from "../packages/caddis/src/config/inputs.ts";
import { formatDuration } from "../packages/caddis/src/config/duration.ts";
import type { Permissions, SubjectRules } from "../packages/caddis/src/config/permissions.ts";
import {
  type PolicyRoute,
  type PublishOutcome,
  type ServerOptions,
  testPolicy,
} from "../packages/caddis/src/server/index.ts";
import { createTestServer, type TestServer } from "../packages/caddis/src/server/testing.ts";
import {
  account,
  serviceExport,
  serviceImport,
  streamExport,
  streamImport,
} from "./support/account-world.ts";
import { InProcessPeer } from "./support/in-process-peer.ts";
import {
  literalSubject,
  naiveMayDeliver,
  operation,
  type Operation,
  permissions,
  subscribableSubject,
} from "./support/naive-permissions.ts";
import { parseReceived } from "./support/received.ts";
import { subjectMatches } from "./support/subject-match.ts";

const NAMES = ["A", "B", "C"] as const;
type Name = (typeof NAMES)[number];

/** The user that is asked about; it is in account A. */
const USER = "user";

interface Case {
  readonly permissions: Permissions | null;
  /** Given to the account instead of the user. */
  readonly isDefault: boolean;
  readonly imports: readonly { readonly importer: Name; readonly wanted: ImportInput }[];
  /** Of account A: where a subject goes, all of its messages or 60 of 100. */
  readonly mappings: readonly {
    readonly source: string;
    readonly subject: string;
    readonly isPartly: boolean;
  }[];
  readonly operations: readonly Operation[];
}

const name = fc.constantFrom(...NAMES);

/** Wide ones are more often about what the test publishes. */
const wideSubject = fc.constantFrom(">", "*", "a.>", "*.*", "*.a");

const importOf: fc.Arbitrary<Case["imports"][number]> = fc
  .tuple(name, name, fc.oneof(subscribableSubject, wideSubject), fc.boolean(), fc.boolean())
  .map(([importer, exporter, subject, isStream, isRenamed]) => {
    const source = { account: exporter, subject };
    if (isStream) return { importer, wanted: { stream: source, ...(isRenamed ? { prefix: "a" } : {}) } };
    return { importer, wanted: { service: source, ...(isRenamed ? { to: `ab.${subject}` } : {}) } };
  });

/** Half of them deny a part of what can be subscribed to: there is something to withhold. */
const rights = fc.oneof(
  permissions,
  permissions.map((given) => ({ ...given, subscribe: { ...given.subscribe, allow: null } })),
);

const cases: fc.Arbitrary<Case> = fc.record({
  permissions: fc.option(rights, { freq: 5 }),
  isDefault: fc.boolean(),
  imports: fc.array(importOf, { minLength: 2, maxLength: 8 }),
  mappings: fc.uniqueArray(
    fc.record({ source: literalSubject, subject: literalSubject, isPartly: fc.boolean() }),
    { maxLength: 2, selector: ({ source }) => source },
  ),
  operations: fc.array(
    fc.oneof(
      operation,
      wideSubject.map((subject): Operation => ({ kind: "subscribe", subject, queue: "" })),
    ),
    { minLength: 4, maxLength: 8 },
  ),
});

function inputOf({ publish, responses, subscribe }: Permissions): PermissionsInput {
  const rules = ({ allow, deny }: SubjectRules): SubjectRulesInput => ({
    ...(allow === null ? {} : { allow }),
    deny,
  });
  const time = responses === null || responses.expiresMs < 0 ? "-1s" : formatDuration(responses.expiresMs);
  return {
    publish: rules(publish),
    subscribe: rules(subscribe),
    ...(responses === null ? {} : { allow_responses: { max: responses.max, expires: time } }),
  };
}

/** Options with those imports that are allowed. Everything is exported. */
function optionsOf({ imports, isDefault, mappings, permissions: given }: Case): ServerOptions {
  const kept = allowedImports(imports);
  const input = given === null ? null : inputOf(given);
  const accounts = NAMES.map((each): [string, AccountInput] => {
    const users = [
      { user: `spy ${each}`, password: "p", permissions: { publish: ">", subscribe: ">" } },
      ...(each === "A"
        ? [{ user: USER, password: "p", ...(input === null || isDefault ? {} : { permissions: input }) }]
        : []),
    ];
    return [
      each,
      {
        users,
        exports: [{ stream: ">" }, { service: ">" }],
        imports: kept.filter(({ importer }) => importer === each).map(({ wanted }) => wanted),
        ...(each === "A" && input !== null && isDefault ? { default_permissions: input } : {}),
        ...(each === "A" ? { mappings: mappingsOf(mappings) } : {}),
      },
    ];
  });
  return { dont_listen: true, accounts: Object.fromEntries(accounts) };
}

function mappingsOf(mappings: Case["mappings"]): NonNullable<AccountInput["mappings"]> {
  return Object.fromEntries(
    mappings.map(({ isPartly, source, subject }) => [
      source,
      isPartly ? [{ destination: subject, weight: 60 }] : subject,
    ]),
  );
}

/** Those that make no cycle, and come once. */
function allowedImports(imports: Case["imports"]): Case["imports"] {
  let kept: Case["imports"] = [];
  for (const each of imports) {
    const { importer, wanted } = each;
    const from = "stream" in wanted ? wanted.stream.account : wanted.service.account;
    if (from !== importer && accountProblems(accountsOf([...kept, each]), true).length === 0) {
      kept = [...kept, each];
    }
  }
  return kept;
}

function accountsOf(imports: Case["imports"]): AccountConfig[] {
  return NAMES.map((each) =>
    account(each, {
      exports: [streamExport(">"), serviceExport(">")],
      imports: imports
        .filter(({ importer }) => importer === each)
        .map(({ wanted }) =>
          "stream" in wanted
            ? streamImport(wanted.stream.account, wanted.stream.subject, { prefix: wanted.prefix ?? "" })
            : serviceImport(wanted.service.account, wanted.service.subject, { to: wanted.to ?? "" }),
        ),
    }),
  );
}

/** A connection to a started server. */
class Connection {
  readonly #server: TestServer;
  readonly #peer: InProcessPeer;

  constructor(server: TestServer, user: string) {
    this.#server = server;
    this.#peer = new InProcessPeer(server);
    this.#peer.send(
      `CONNECT {"verbose":false,"pedantic":false,"user":${JSON.stringify(user)},"pass":"p"}\r\n`,
    );
  }

  /** Whether the server took `text` without complaint. */
  async say(text: string): Promise<boolean> {
    await this.#server.settled();
    this.#peer.take();
    this.#peer.send(text);
    await this.#server.settled();
    return !this.#peer.text.includes("-ERR");
  }

  /** Subjects of the messages that came since the last time. */
  subjects(): string[] {
    return parseReceived(this.#peer.take()).flatMap(({ sid, subject }) => (sid === "" ? [] : [subject]));
  }
}

/** Where an outcome says that its messages arrive, as `account subject`. */
function arrivals({ allowed, routes, subject }: PublishOutcome): string[] {
  if (!allowed || subject === "") return [];
  const along = (all: readonly PolicyRoute[]): string[] =>
    all.flatMap(({ account: there, onward, subject: as }) => [`${there} ${as}`, ...along(onward)]);
  return [`A ${subject}`, ...along(routes)].toSorted();
}

const counts = { allowed: 0, denied: 0, routed: 0, fed: 0, withheld: 0 };

async function checkPublish(
  server: TestServer,
  spies: ReadonlyMap<Name, Connection>,
  options: ServerOptions,
  subject: string,
): Promise<void> {
  const answer = await testPolicy(options, { action: "publish", user: USER, subject });
  assert.ok(answer.kind === "publish", "the question has an answer");
  const user = new Connection(server, USER);
  for (let attempt = 0; attempt < 3; attempt++) {
    for (const spy of spies.values()) spy.subjects();
    const isTaken = await user.say(`PUB ${subject} 0\r\n\r\n`);
    const arrived = [...spies].flatMap(([each, spy]) => spy.subjects().map((got) => `${each} ${got}`));
    // Which outcome it was is left to chance; there is one that looks like this.
    const isAlike = (outcome: PublishOutcome): boolean =>
      outcome.allowed === isTaken && arrivals(outcome).join() === arrived.toSorted().join();
    assert.ok(
      answer.outcomes.some(isAlike),
      `${subject}: ${isTaken ? "taken" : "refused"}, ${arrived.join()} is none of ${JSON.stringify(answer.outcomes)}`,
    );
    if (answer.allowed) assert.ok(isTaken);
    counts.routed += arrived.length > 1 ? 1 : 0;
  }
  counts[answer.allowed ? "allowed" : "denied"]++;
}

async function checkSubscribe(
  server: TestServer,
  spies: ReadonlyMap<Name, Connection>,
  options: ServerOptions,
  given: Permissions | null,
  subject: string,
  queue: string,
): Promise<void> {
  const answer = await testPolicy(options, { action: "subscribe", user: USER, subject, queue });
  assert.ok(answer.kind === "subscribe", "the question has an answer");
  const user = new Connection(server, USER);
  assert.equal(await user.say(`SUB ${subject} ${queue} 1\r\n`), answer.allowed, `${subject} ${queue}`);
  counts[answer.allowed ? "allowed" : "denied"]++;
  for (const [from, spy] of answer.allowed ? spies : []) {
    for (const published of ["a", "b", "a.b", "ab.a", "a.a.b", "b.a.b"]) {
      user.subjects();
      await spy.say(`PUB ${published} 0\r\n\r\n`);
      const asked = { action: "publish", user: `spy ${from}`, subject: published } as const;
      const route = await testPolicy(options, asked);
      assert.ok(route.kind === "publish", "the question has an answer");
      // Services bring messages into the account too, but not by the feeds of the subscription.
      const streams = route.outcomes[0].routes.filter((way) => way.kind === "stream" && way.account === "A");
      const services = routesTo("A", route.outcomes[0].routes, "service");
      const matching = (one: string): boolean => subjectMatches(one, subject);
      const fed = streams.map((way) => way.subject).filter(matching);
      const isFed = answer.feeds.some(
        (feed) => feed.account === from && subjectMatches(published, feed.subject),
      );
      assert.equal(isFed, fed.length > 0, `${from} ${published} to ${subject}`);
      const own = from === "A" ? [published].filter(matching) : [];
      const all = [...own, ...fed, ...services.filter(matching)];
      const mayCome = (one: string): boolean => given === null || naiveMayDeliver(given, one, queue);
      const expected = all.filter(mayCome).toSorted();
      const got = user.subjects().toSorted();
      // A queue group gets a message once, by whichever of several imports.
      if (queue !== "" && all.length > 1) assert.ok(got.every((one) => expected.includes(one)));
      else assert.deepEqual(got, expected);
      const withheld = all.filter((one) => !mayCome(one));
      // What is withheld is covered by a rule that the answer names.
      for (const got of withheld) {
        assert.ok(
          answer.withheld.some((rule) => subjectMatches(got, rule.split(" ")[0])),
          got,
        );
      }
      counts.fed += fed.length;
      counts.withheld += withheld.length;
    }
  }
}

function routesTo(home: string, routes: readonly PolicyRoute[], kind: PolicyRoute["kind"]): string[] {
  return routes.flatMap((way) => [
    ...(way.account === home && way.kind === kind ? [way.subject] : []),
    ...routesTo(home, way.onward, kind),
  ]);
}

test("answers are what a started server does", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (each) => {
      for (const wanted of each.operations) {
        // Publishers name no wildcards to the tester. Mappings would change what the spies publish.
        if (wanted.kind === "publish" && /(^|\.)[*>](\.|$)/.test(wanted.subject)) continue;
        const options = optionsOf(wanted.kind === "publish" ? each : { ...each, mappings: [] });
        await using server = await createTestServer(options);
        const spies = new Map(NAMES.map((spied) => [spied, new Connection(server, `spy ${spied}`)] as const));
        if (wanted.kind === "publish") {
          for (const spy of spies.values()) await spy.say("SUB > 1\r\n");
          await checkPublish(server, spies, options, wanted.subject);
        } else {
          const { permissions: given } = each;
          await checkSubscribe(server, spies, options, given, wanted.subject, wanted.queue);
        }
      }
    }),
    { numRuns: 80 },
  );
  const { allowed, denied, fed, routed, withheld } = counts;
  assert.ok(allowed > 30 && denied > 30 && routed > 5 && fed > 15 && withheld > 1, JSON.stringify(counts));
});
