/**
 * Accounts against the reference server: who gets what through each form of import and export, what services see
 * of who asks, and which configurations are refused with which words.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { AccountConfig } from "../packages/caddis/src/config/accounts.ts";
import { accountProblems } from "../packages/caddis/src/broker/accounts.ts";
import { accountsToText } from "./support/account-config-text.ts";
import { ACCOUNT_SCENES } from "./support/account-scenes.ts";
import { REFUSED_ACCOUNTS } from "./support/account-refusals.ts";
import { AccountWorld } from "./support/account-world.ts";
import { RawClient } from "./support/raw-client.ts";
import { parseReceived, type Received } from "./support/received.ts";
import { findReferenceServer, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;
const command = reference ?? "";

/** What one client got in one step, told so that both servers can say the same. */
type Got = Readonly<Record<string, readonly string[]>>;

/** A server of either kind: does what a step says and tells what everyone got. */
interface Stage {
  step(who: string, text: string): Promise<ReadonlyMap<string, Received[]>>;
}

for (const { name, accounts, steps, isAnsweredLate } of ACCOUNT_SCENES) {
  test(`accounts as in the reference: ${name}`, { skip }, async () => {
    const server = await ServerProcess.start({ command, config: accountsToText(accounts) });
    const theirs = new ReferenceStage(server.port);
    try {
      const wanted = await play(theirs, steps);
      const got = await play(new OurStage(accounts), steps);
      if (isAnsweredLate === true) assert.deepEqual(altogether(got), altogether(wanted));
      else assert.deepEqual(got, wanted);
    } finally {
      await theirs.close();
      await server.stop();
    }
  });
}

for (const { name, accounts, byReason } of REFUSED_ACCOUNTS) {
  test(`a configuration refused as in the reference: ${name}`, { skip }, async () => {
    const problems = accountProblems(accounts, true);
    assert.equal(problems.length, 1, problems.join("; "));
    const said = await checkConfig(accountsToText(accounts));
    const wanted = byReason === true ? problems[0].replace(/^Error adding .*?": /, "") : problems[0];
    assert.ok(said.toLowerCase().includes(wanted.toLowerCase()), `${wanted} in ${said}`);
  });
}

/** The words of the reference's configuration check; empty when it is content. */
async function checkConfig(config: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-accounts-"));
  try {
    const file = join(folder, "server.conf");
    await writeFile(file, config);
    return await new Promise((resolve) => {
      execFile(command, ["-t", "-c", file], (error, _stdout, stderr) =>
        resolve(error === null ? "" : stderr),
      );
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What each client got over all steps: where answers may come a step later. */
function altogether(all: readonly Got[]): Got {
  const told: Record<string, string[]> = {};
  for (const step of all) for (const [who, lines] of Object.entries(step)) (told[who] ??= []).push(...lines);
  return told;
}

/** Plays the steps; `{reply}` in a step stands for the reply subject its client got last. */
async function play(stage: Stage, steps: readonly (readonly [string, string])[]): Promise<Got[]> {
  const replies = new Map<string, string>();
  const all: Got[] = [];
  for (const [who, text] of steps) {
    const got = await stage.step(who, text.replaceAll("{reply}", replies.get(who) ?? "?"));
    const told: Record<string, string[]> = {};
    for (const [receiver, received] of got) {
      const last = received.findLast(({ reply }) => reply !== "");
      if (last !== undefined) replies.set(receiver, last.reply);
      if (received.length > 0) told[receiver] = received.map(tell).toSorted();
    }
    all.push(told);
  }
  return all;
}

/** A message without what chance, time and names of servers make different. */
function tell({ line, subject, sid, reply, headers, payload }: Received): string {
  const shownReply = reply.replace(
    /^_R_\.\w{6}\.\w{6}(\.\w{8})?/,
    (_all, hash) => `_R_${hash === undefined ? "" : ".hash"}`,
  );
  const shownHeaders = headers.replace(
    /Nats-Request-Info: (.*)\r\n/,
    (_all, json: string) => `info ${shown(json)}\r\n`,
  );
  return [
    line,
    subject,
    sid,
    shownReply,
    shownHeaders,
    payload.startsWith("{") ? shown(payload) : payload,
  ].join("|");
}

/** JSON with its keys in their order and the values that both servers agree about. */
function shown(json: string): string {
  const volatile = /^(start|time|timestamp|id|host|rtt|server|name|ver|seq|service|system|total)$/;
  return JSON.stringify(JSON.parse(json), (key, value: unknown) => {
    if (key === "feature_flags" || key === "rtt") return undefined;
    return volatile.test(key) && (typeof value !== "object" || value === null) ? typeof value : value;
  });
}

/** What tells nothing about accounts: the server measures its round trips when it likes. */
function isTold({ line }: Received): boolean {
  return line !== "PING" && !line.startsWith("INFO ");
}

class OurStage implements Stage {
  readonly #world: AccountWorld;
  readonly #peers = new Map<string, ReturnType<AccountWorld["connect"]>>();

  constructor(accounts: readonly AccountConfig[]) {
    this.#world = new AccountWorld(accounts);
  }

  async step(who: string, text: string): Promise<ReadonlyMap<string, Received[]>> {
    let peer = this.#peers.get(who);
    if (peer === undefined) {
      peer = this.#world.connect(accountOf(who));
      this.#peers.set(who, peer);
    }
    if (text === "leave") peer.pipe.hangUp();
    else peer.say(text);
    await new Promise((resolve) => setImmediate(resolve));
    return new Map(
      Array.from(this.#peers, ([name, each]) => [name, parseReceived(each.read()).filter(isTold)]),
    );
  }
}

class ReferenceStage implements Stage {
  readonly #port: number;
  readonly #clients = new Map<string, RawClient>();

  constructor(port: number) {
    this.#port = port;
  }

  async step(who: string, text: string): Promise<ReadonlyMap<string, Received[]>> {
    const client = this.#clients.get(who) ?? (await this.#connect(who));
    if (text === "leave") await client.finish();
    else client.send(text);
    const got = new Map<string, Received[]>();
    // Twice: what the server itself sends takes a turn of its own.
    for (let turn = 0; turn < 2; turn++) {
      for (const each of this.#clients.values()) if (!each.closed) await each.barrier();
    }
    for (const [name, { lines }] of this.#clients) {
      const received = parseReceived(
        lines
          .splice(0)
          .map((line) => `${line}\r\n`)
          .join(""),
      );
      got.set(name, received.filter(isTold));
    }
    return got;
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#clients.values(), (client) => client.finish()));
  }

  async #connect(who: string): Promise<RawClient> {
    const client = await RawClient.connect(this.#port);
    const connect = {
      verbose: false,
      headers: true,
      no_responders: true,
      protocol: 1,
      user: accountOf(who),
      pass: "pw",
    };
    client.send(`CONNECT ${JSON.stringify(connect)}\r\n`);
    assert.ok(await client.barrier(), "it is let in");
    client.lines.length = 0;
    this.#clients.set(who, client);
    return client;
  }
}

/** Clients are called by their account and a number. */
function accountOf(who: string): string {
  return who.replace(/\d+$/, "");
}
