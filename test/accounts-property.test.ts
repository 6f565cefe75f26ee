/**
 * Random accounts that import streams and services from each other, and random traffic: everyone gets exactly
 * what a naive model says, and what the reference delivers.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type {
  AccountConfig,
  ImportConfig,
  ServiceImport,
  StreamImport,
} from "../packages/caddis/src/config/accounts.ts";
import { accountProblems } from "../packages/caddis/src/broker/accounts.ts";
import { accountsToText } from "./support/account-config-text.ts";
import {
  account,
  AccountWorld,
  serviceExport,
  serviceImport,
  streamExport,
  streamImport,
} from "./support/account-world.ts";
import { RawClient } from "./support/raw-client.ts";
import { parseReceived } from "./support/received.ts";
import { findReferenceServer, ServerProcess } from "./support/server-process.ts";
import { subjectMatches } from "./support/subject-match.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

const NAMES = ["A", "B", "C", "D"];

/** Accounts, what each of them subscribes to (`subject queue` for a group), and what is published where. */
interface Case {
  readonly accounts: readonly AccountConfig[];
  readonly subscriptions: ReadonlyMap<string, readonly string[]>;
  readonly publishes: readonly { readonly account: string; readonly subject: string }[];
}

const token = fc.constantFrom("a", "b", "c");
const literal = fc.array(token, { minLength: 1, maxLength: 3 }).map((tokens) => tokens.join("."));
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant("*")), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([tokens, isOpen]) => tokens.join(".") + (isOpen ? ".>" : ""));
/** Patterns that match much. */
const wide = fc.oneof(pattern, fc.constantFrom(">", "*", "*.*", "a.>", "*.b", "*.>", "b.*"));
const name = fc.constantFrom(...NAMES);

/** Another name for `there`, or none: a prefix, or its wildcards turned around behind another first token. */
function renamed(there: string, way: number): string {
  const count = there.split(".").filter((part) => part === "*").length;
  const end = there.endsWith(">") ? ".>" : "";
  if (way === 0) return "";
  if (way === 1 || there === ">") return `x.${there}`;
  return `y${Array.from({ length: count }, (_, i) => `.$${count - i}`).join("")}${end}`;
}

const wanted: fc.Arbitrary<{ importer: string; wanted: ImportConfig }> = fc
  .tuple(name, name, wide, fc.integer({ min: 0, max: 2 }), fc.boolean())
  .map(([importer, exporter, subject, way, isStream]) => ({
    importer,
    wanted: isStream
      ? streamImport(exporter, subject, way === 1 ? { prefix: "x" } : { to: renamed(subject, way) })
      : serviceImport(exporter, subject, { to: renamed(subject, way) }),
  }));

const cases: fc.Arbitrary<Case> = fc
  .record({
    imports: fc.array(wanted, { maxLength: 12 }),
    subscriptions: fc.array(
      fc.tuple(
        name,
        fc.oneof(
          wide,
          literal,
          fc.constantFrom(">", "x.>", "y.>", "x.*.*", "y.*", "y.a.*", "x.a.>", "*.b.>"),
        ),
      ),
      { minLength: 8, maxLength: 16 },
    ),
    publishes: fc.array(
      fc.tuple(
        name,
        fc.oneof(
          literal,
          literal.map((subject) => `x.${subject}`),
          literal.map((subject) => `y.${subject}`),
        ),
      ),
      {
        minLength: 10,
        maxLength: 25,
      },
    ),
  })
  .map(({ imports, subscriptions, publishes }) => ({
    accounts: accountsOf(imports),
    subscriptions: new Map(
      NAMES.map((each) => [
        each,
        subscriptions.filter(([owner]) => owner === each).map(([, subject]) => subject),
      ]),
    ),
    publishes: publishes.map(([owner, subject]) => ({ account: owner, subject })),
  }));

/** Accounts that export everything and import what is allowed. */
function accountsOf(imports: readonly { importer: string; wanted: ImportConfig }[]): AccountConfig[] {
  let accounts = NAMES.map((each) => account(each, { exports: [streamExport(">"), serviceExport(">")] }));
  for (const { importer, wanted: added } of imports) {
    // A service of all is one door: a message goes through it once.
    const next = accounts.map((config) =>
      config.name === importer ? { ...config, imports: [...config.imports, added] } : config,
    );
    if (added.account !== importer && accountProblems(next, true).length === 0) accounts = next;
  }
  return accounts;
}

/** Who gets a message to `subject` in `home`, as `account sid subject`, by the plain meaning of the imports. */
function model({ accounts, subscriptions }: Case, home: string, subject: string): string[] {
  const got: string[] = [];
  const deliver = (here: string, there: string, doors: readonly string[]): void => {
    got.push(...subscribersOf(subscriptions, here, there));
    for (const { name: importer, imports } of accounts) {
      for (const each of imports) {
        if (each.kind === "stream" && each.account === here && doors.length === 0) {
          if (subjectMatches(there, each.subject)) {
            got.push(...subscribersOf(subscriptions, importer, streamName(each, there)));
          }
        }
        if (each.kind === "service" && importer === here && !doors.includes(each.account)) {
          const served = serviceName(each, there);
          if (served !== null) deliver(each.account, served, [...doors, each.account]);
        }
      }
    }
  };
  deliver(home, subject, []);
  return got.toSorted();
}

function subscribersOf(subscriptions: Case["subscriptions"], owner: string, subject: string): string[] {
  return (subscriptions.get(owner) ?? []).flatMap((pattern, i) =>
    subjectMatches(subject, pattern) ? [`${owner} ${i + 1} ${subject}`] : [],
  );
}

function streamName({ subject, prefix, to }: StreamImport, there: string): string {
  if (prefix !== "") return `${prefix}.${there}`;
  return to === "" ? there : rewrite(subject, to, there);
}

function serviceName({ subject, to }: ServiceImport, here: string): string | null {
  const local = to === "" ? subject : to;
  const numbered = local.includes("$") ? local : numberedStars(local);
  const localPattern = numbered.replaceAll(/\$\d/g, "*");
  if (!subjectMatches(here, localPattern)) return null;
  // The wildcards there, by the numbers that the name here gives them.
  const tokens = here.split(".");
  const values = new Map<string, string>();
  numbered.split(".").forEach((part, i) => {
    if (part.startsWith("$")) values.set(part, tokens[i]);
  });
  const rest = tokens.slice(numbered.split(".").length - 1);
  let count = 0;
  return subject
    .split(".")
    .flatMap((part) => (part === "*" ? [values.get(`$${++count}`) ?? "?"] : part === ">" ? rest : [part]))
    .join(".");
}

function rewrite(there: string, here: string, subject: string): string {
  const tokens = subject.split(".");
  const pattern = there.split(".");
  const values = pattern.flatMap((part, i) => (part === "*" ? [tokens[i]] : []));
  return here
    .split(".")
    .flatMap((part) =>
      part === ">"
        ? tokens.slice(pattern.length - 1)
        : part.startsWith("$")
          ? [values[Number(part[1]) - 1]]
          : [part],
    )
    .join(".");
}

function numberedStars(text: string): string {
  let count = 0;
  return text.replaceAll("*", () => `$${++count}`);
}

/** What ours delivers for each publish. */
function ours({ accounts, subscriptions, publishes }: Case): string[][] {
  const world = new AccountWorld(accounts);
  const peers = NAMES.map((each) => [each, world.connect(each, ...(subscriptions.get(each) ?? []))] as const);
  return publishes.map((publish) => {
    world.connect(publish.account).say(`PUB ${publish.subject} 0\r\n\r\n`);
    return peers
      .flatMap(([owner, peer]) =>
        parseReceived(peer.read()).map(({ sid, subject }) => `${owner} ${sid} ${subject}`),
      )
      .toSorted();
  });
}

async function theirs({ accounts, subscriptions, publishes }: Case): Promise<string[][]> {
  const server = await ServerProcess.start({ command: reference ?? "", config: accountsToText(accounts) });
  const clients = new Map<string, RawClient>();
  try {
    for (const each of NAMES) {
      const client = await RawClient.connect(server.port);
      client.send(`CONNECT {"verbose":false,"user":"${each}","pass":"pw"}\r\n`);
      client.send(
        (subscriptions.get(each) ?? []).map((subject, i) => `SUB ${subject} ${i + 1}\r\n`).join(""),
      );
      assert.ok(await client.barrier());
      client.lines.length = 0;
      clients.set(each, client);
    }
    const all: string[][] = [];
    for (const publish of publishes) {
      const publisher = clients.get(publish.account);
      publisher?.send(`PUB ${publish.subject} 0\r\n\r\n`);
      await publisher?.barrier();
      for (const client of clients.values()) await client.barrier();
      const got = Array.from(clients, ([owner, { lines }]) =>
        parseReceived(
          lines
            .splice(0)
            .map((line) => `${line}\r\n`)
            .join(""),
        )
          .filter(({ sid }) => sid !== "")
          .map(({ sid, subject }) => `${owner} ${sid} ${subject}`),
      );
      all.push(got.flat().toSorted());
    }
    return all;
  } finally {
    await Promise.all(Array.from(clients.values(), (client) => client.finish()));
    await server.stop();
  }
}

test("random accounts deliver what a naive model says", () => {
  let delivered = 0;
  let crossed = 0;
  fc.assert(
    fc.property(cases, (each) => {
      const got = ours(each);
      for (const [i, { account: home, subject }] of each.publishes.entries()) {
        assert.deepEqual(got[i], model(each, home, subject), `${home} ${subject}`);
        delivered += got[i].length;
        crossed += got[i].filter((line) => !line.startsWith(home)).length;
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(delivered > 1_000 && crossed > 150, `${delivered} messages, ${crossed} to other accounts`);
});

test("random accounts deliver what the reference delivers", { skip }, async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (each) => {
      assert.deepEqual(ours(each), await theirs(each));
    }),
    { numRuns: 6, endOnFailure: true },
  );
});
