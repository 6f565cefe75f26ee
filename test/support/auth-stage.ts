import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { KeyPair } from "../../packages/caddis/src/auth/nkey-pair.ts";
import { type Approach, AuthPeer } from "./auth-peer.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./server-process.ts";

/** How long monitoring may take to know of a connection's end. */
const MONITOR_DEADLINE_MS = 10_000;

/** Users may be made anew for each of the servers. */
const USER_NKEY = /\bU[A-Z2-7]{55}\b/g;

/** What a peer shows of itself. */
export interface Login extends Omit<Approach, "port"> {
  /** Fields of CONNECT. */
  readonly connect?: Readonly<Record<string, unknown>>;
  /** Signs the nonce. */
  readonly sign?: KeyPair | undefined;
  /** The proxy that it comes through: signs the nonce as well. */
  readonly proxy?: KeyPair | undefined;
}

/** One of the two servers, and all that was seen of it. */
export class Stage {
  readonly server: ServerProcess;
  /** What is to be the same on both. */
  readonly notes: string[] = [];
  /** By cid: who it was, for the log. */
  readonly names: Map<number, string>;
  readonly #scene: string;
  readonly #peers = new Map<string, AuthPeer>();
  readonly #leftOut: RegExp[] = [];
  readonly #endings: (() => Promise<void>)[] = [];

  constructor(server: ServerProcess, scene: string, names: Map<number, string>) {
    this.server = server;
    this.#scene = scene;
    this.names = names;
  }

  /** Connects, says CONNECT and PING, and notes what comes until the PONG or the end. */
  async login(name: string, login: Login = {}): Promise<AuthPeer> {
    const peer = await this.open(name, login);
    const { connect, sign, proxy } = login;
    const shown = {
      verbose: false,
      protocol: 1,
      ...connect,
      ...(sign !== undefined && { sig: signature(sign, peer.nonce) }),
      ...(proxy !== undefined && { proxy_sig: signature(proxy, peer.nonce) }),
    };
    await this.say(name, `CONNECT ${Buffer.from(JSON.stringify(shown)).toString("latin1")}\r\n`);
    return peer;
  }

  /** Connects and notes INFO. */
  async open(name: string, approach: Omit<Approach, "port"> = {}): Promise<AuthPeer> {
    const { tls, isTlsFirst } = approach;
    const peer = await AuthPeer.open({ port: this.server.port, tls, isTlsFirst });
    this.#peers.set(name, peer);
    this.names.set(peer.cid, `${this.#scene}, ${name}`);
    this.#note(name, peer.lines.splice(0));
    return peer;
  }

  /** Sends `text` and a PING, and notes what comes until the PONG or the end. */
  async say(name: string, text = ""): Promise<void> {
    const peer = this.peer(name);
    peer.send(`${text}PING\r\n`);
    this.#note(name, await peer.linesUntil("PONG"));
  }

  /** Notes what comes until the server closes. */
  async ends(name: string): Promise<void> {
    this.#note(name, await this.peer(name).linesUntil("[never]"));
  }

  /** Publishes a request and notes the one answer's payload, without what it says of the server. */
  async ask(name: string, subject: string, payload: string): Promise<void> {
    const peer = this.peer(name);
    peer.send(`SUB in 9\r\nPUB ${subject} in ${Buffer.byteLength(payload)}\r\n${payload}\r\nUNSUB 9 1\r\n`);
    const answer = await peer.nextPayload();
    this.notes.push(
      `${name} is answered ${answer.replace(/"server":\{(?:[^{}]|\{[^{}]*\})*\}/, '"server":{}')}`,
    );
  }

  /** Notes something. */
  note(text: string): void {
    this.notes.push(text);
  }

  /** Does something when the scene is over. */
  onEnd(what: () => Promise<void>): void {
    this.#endings.push(what);
  }

  /** Both servers differ here, for a reason: `pattern` is taken out of what was noted so far and will be. */
  leaveOut(pattern: RegExp, _reason: string): void {
    this.#leftOut.push(new RegExp(pattern, "g"));
  }

  /** All notes, without what was left out; users by number, since they may be made anew for each server. */
  get seen(): readonly string[] {
    const users: string[] = [];
    const number = (key: string): string => {
      if (!users.includes(key)) users.push(key);
      return `user${users.indexOf(key)}`;
    };
    return this.notes
      .map((note) => this.#leftOut.reduce((text, one) => text.replace(one, ""), note))
      .filter((note) => note !== "")
      .map((note) => note.replace(USER_NKEY, number));
  }

  peer(name: string): AuthPeer {
    return this.#peers.get(name) ?? assert.fail(`no ${name}`);
  }

  /** Notes what monitoring says of everybody, and hangs up. */
  async finish(): Promise<void> {
    for (const [name, peer] of this.#peers) {
      if (peer.cid > 0) this.notes.push(`${name} in connz: ${await this.#connz(peer)}`);
    }
    await this.leave();
  }

  async leave(): Promise<void> {
    await Promise.all(Array.from(this.#peers.values(), (peer) => peer.close()));
    for (const end of this.#endings.splice(0)) await end();
  }

  async #connz({ cid, isClosed }: AuthPeer): Promise<string> {
    const url = `http://127.0.0.1:${monitorPort(this.server)}/connz?auth=1&state=any&cid=${cid}`;
    const giveUp = performance.now() + MONITOR_DEADLINE_MS;
    for (;;) {
      const response = await fetch(url);
      const { connections } = (await response.json()) as { connections: Record<string, unknown>[] };
      const entry = connections.find((one) => one["cid"] === cid);
      // The peer may learn of its end before monitoring does.
      if (entry !== undefined && (!isClosed || "stop" in entry)) return shownConnection(entry);
      if (performance.now() > giveUp) return `nothing of use: ${JSON.stringify(connections)}`;
    }
  }

  #note(name: string, lines: readonly string[]): void {
    for (const line of lines)
      this.notes.push(`${name}< ${line.startsWith("INFO {") ? shownInfo(line) : line}`);
  }
}

/** What is played on both servers. */
export type Play = (stage: Stage) => Promise<void>;

/** For `leaveOut`: /connz of the reference names whom CONNECT names, with or without proof. */
export const UNPROVEN_USER = [
  /,"authorized_user":"[^"]*"/,
  "ours shows nobody but whom somebody proved to be",
] as const;

/** Errors in the log, `scene, peer: text`, that only one of the servers has, or has in other words; and why. */
export type LogDifferences = readonly (readonly [pattern: RegExp, reason: string])[];

/**
 * Starts both servers with `config` and plays each scene on both: they have to show the same, up to the errors in
 * their logs.
 */
export function compareAuth(
  title: string,
  config: string,
  scenes: Readonly<Record<string, Play>>,
  logDifferences: LogDifferences = [],
): void {
  const reference = findReferenceServer();
  const skip = reference === null ? "no nats-server on PATH" : false;
  const text = `http: "127.0.0.1:-1"\n${config}`;
  describe(title, { skip, concurrency: 1 }, () => {
    const ours = new Side();
    const theirs = new Side();
    before(async () => {
      await Promise.all([ours.start(OUR_SERVER, text), theirs.start(reference ?? "", text)]);
    });
    after(() => Promise.all([ours.stop(), theirs.stop()]));
    for (const [scene, play] of Object.entries(scenes)) {
      it(scene, async () => {
        const [got, wanted] = await Promise.all([ours.play(scene, play), theirs.play(scene, play)]);
        assertSame(got, wanted);
      });
    }
    it("logs the same errors", async () => {
      const isCompared = (line: string): boolean => !logDifferences.some(([pattern]) => pattern.test(line));
      const [got, wanted] = await Promise.all([ours.stop(), theirs.stop()]);
      assertSame(got.filter(isCompared), wanted.filter(isCompared));
    });
  });
}

class Side {
  #server: ServerProcess | null = null;
  readonly #names = new Map<number, string>();

  async start(command: string, config: string): Promise<void> {
    this.#server = await ServerProcess.start({ command, config });
  }

  async play(scene: string, play: Play): Promise<readonly string[]> {
    const stage = new Stage(this.#server ?? assert.fail("not started"), scene, this.#names);
    try {
      await play(stage);
      await stage.finish();
      return stage.seen;
    } finally {
      await stage.leave();
    }
  }

  /** Stops the server; its errors about peers, by peer. */
  async stop(): Promise<readonly string[]> {
    const server = this.#server;
    await server?.stop();
    const errors: string[] = [];
    for (const line of server?.log.split("\n") ?? []) {
      const [, text = "", cid] = /\[ERR\] (\S+ - cid:(\d+) - .*)$/.exec(line) ?? [];
      const name = this.#names.get(Number(cid));
      if (name !== undefined)
        errors.push(`${name}: ${text.replace(/^\S+ - cid:\d+ - /, "").replace(USER_NKEY, "U…")}`);
    }
    return errors.toSorted();
  }
}

/** Fails with the lines that are on one side only. */
function assertSame(ours: readonly string[], theirs: readonly string[]): void {
  const differences = [
    ...theirs.filter((line) => !ours.includes(line)).map((line) => `the reference: ${line}`),
    ...ours.filter((line) => !theirs.includes(line)).map((line) => `ours:          ${line}`),
  ];
  assert.ok(differences.length === 0, `\n${differences.join("\n")}`);
  assert.deepEqual(ours, theirs);
}

/** Base64 for URLs, as CONNECT carries it. */
function signature(keys: KeyPair, nonce: string): string {
  return Buffer.from(keys.sign(Buffer.from(nonce))).toString("base64url");
}

function monitorPort({ log }: ServerProcess): string {
  return /Starting http monitor on 127\.0\.0\.1:(\d+)/.exec(log)?.[1] ?? assert.fail(log);
}

/** Fields of INFO whose values are one server's own. */
const OWN_INFO = /^(server_id|server_name|version|git_commit|go|host|port|client_id|xkey|caddis)$/;

function shownInfo(line: string): string {
  const info = JSON.parse(line.slice("INFO ".length)) as Record<string, unknown>;
  return `INFO ${JSON.stringify(info, (name, value: unknown) => {
    if (name === "nonce") return `${String(value).length} characters`;
    return OWN_INFO.test(name) ? undefined : value;
  })}`;
}

/** What /connz says of who somebody is and how it ended. Not the JWT: ours shows none that is as good as a password. */
const CONNECTION_FIELDS = [
  ..."kind type ip reason subscriptions name account authorized_user name_tag tags issuer_key nkey".split(
    " ",
  ),
  ..."tls_version tls_first tls_peer_certs subject subject_pk_sha256 cert_sha256 proxy key".split(" "),
];

function shownConnection(entry: Record<string, unknown>): string {
  return JSON.stringify(entry, CONNECTION_FIELDS);
}
