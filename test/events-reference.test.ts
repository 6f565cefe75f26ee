/**
 * System events side by side with the reference server: the same clients do the same, and whoever listens in the
 * system account and in the others hears the same, field by field, but for times, ids and what is counted of the
 * servers' own.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RawClient } from "./support/raw-client.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z$/;

/** What differs from run to run, and how it looks all the same. */
const VOLATILE: Readonly<Record<string, RegExp>> = {
  timestamp: TIME,
  time: TIME,
  start: TIME,
  stop: TIME,
  seq: /^[1-9]\d*$/,
  rtt: /^[1-9]\d*$/,
};

/** An event as it is compared: the subject and the JSON, whose texts show the order of keys too. */
function comparable(subject: string, payload: string, serverId: string): string {
  const shown = JSON.stringify(
    JSON.parse(payload, function (this: Record<string, unknown>, key, value: unknown) {
      if (key === "id" && typeof value === "string") {
        assert.match(value, value === serverId ? /^N/ : /^[0-9A-Za-z]{22}$/);
        return "<id>";
      }
      // Connections are numbered from another number on.
      if (key === "id") return "<number>";
      const form = VOLATILE[key];
      if (form === undefined) return value;
      assert.match(String(value), form, key);
      return `<${key}>`;
    }),
  );
  return `${subject.replace(serverId, "<server>")} ${shown}`;
}

/** The lines a client got, as events. */
function eventsOf(lines: readonly string[], serverId: string): string[] {
  const events: string[] = [];
  for (const [i, line] of lines.entries()) {
    const subject = /^MSG (\$SYS\.\S+) /.exec(line)?.[1];
    // Statistics come by a clock, and of the system account's own connections each server counts others.
    if (subject === undefined || /STATSZ$|\.SYS\./.test(subject)) continue;
    events.push(comparable(subject, lines[i + 1] ?? "", serverId));
  }
  return events;
}

const CONFIG = `
server_name: n1
server_tags: ["b:1", "A"]
server_metadata: {z: "1", a: "<x>"}
accounts {
  SYS { users: [{user: sys, password: s}] }
  A { users: [{user: a, password: a}, {user: "é<", password: e}] }
  B { users: [{user: b, password: b}], limits: {max_conn: 1} }
}
system_account: SYS
authorization { users: [{user: g, password: g}] }
`;

interface Heard {
  readonly system: readonly string[];
  /** In the global account, where strangers are. */
  readonly global: readonly string[];
  readonly other: readonly string[];
}

/** The deeds on one server, each worked off before the next, and what is heard of them. */
async function play(command: string): Promise<Heard> {
  const server = await ServerProcess.start({ command, config: CONFIG });
  const clients: RawClient[] = [];
  const connect = async (fields: string, more = ""): Promise<RawClient> => {
    const client = await RawClient.connect(server.port);
    clients.push(client);
    client.send(`CONNECT {"verbose":false${fields}}\r\n${more}`);
    await client.barrier();
    return client;
  };
  try {
    const system = await connect(',"user":"sys","pass":"s"', "SUB $SYS.> 1\r\n");
    const serverId = /"server_id":"(\w+)"/.exec(system.lines[0] ?? "")?.[1] ?? "";
    const heard = (subject: string, count: number): Promise<boolean> =>
      system.waitUntil(
        () => system.lines.filter((line) => line.startsWith(`MSG ${subject} `)).length === count,
      );
    const global = await connect(',"user":"g","pass":"g"', "SUB $SYS.> 1\r\n");
    assert.ok(await heard("$SYS.ACCOUNT.$G.CONNECT", 1));
    const other = await connect(
      ',"user":"a","pass":"a","name":"n","lang":"go","version":"1.2"',
      "SUB $SYS.> 1\r\nSUB foo 2\r\n",
    );
    assert.ok(await heard("$SYS.ACCOUNT.A.CONNECT", 1));
    // Two connections of one account.
    const second = await connect(',"user":"é<","pass":"e"'.replace("é", "\xc3\xa9"));
    assert.ok(await heard("$SYS.ACCOUNT.A.CONNECT", 2));
    second.send("PUB foo 3\r\nabc\r\n");
    await second.barrier();
    await second.finish();
    assert.ok(await heard("$SYS.ACCOUNT.A.DISCONNECT", 1));
    assert.ok(await heard("$SYS.ACCOUNT.A.SERVER.CONNS", 3));
    // One that is turned away, one that has no room, and one that says nothing.
    const wrong = await connect(',"user":"a","pass":"wrong"');
    await wrong.finish();
    assert.ok(await heard(`$SYS.SERVER.${serverId}.CLIENT.AUTH.ERR`, 1));
    assert.ok(await heard("$SYS.ACCOUNT.$G.DISCONNECT", 1));
    await connect(',"user":"b","pass":"b"');
    assert.ok(await heard("$SYS.ACCOUNT.B.CONNECT", 1));
    const full = await connect(',"user":"b","pass":"b","name":"late"');
    await full.finish();
    assert.ok(await heard("$SYS.ACCOUNT.B.DISCONNECT", 1));
    const silent = await RawClient.connect(server.port);
    await silent.nextLine();
    await silent.finish();
    assert.ok(await heard("$SYS.ACCOUNT.$G.DISCONNECT", 2));
    return {
      system: eventsOf(system.lines, serverId).sort(),
      global: eventsOf(global.lines, serverId),
      other: eventsOf(other.lines, serverId),
    };
  } finally {
    await Promise.all(clients.map((client) => client.finish()));
    await server.stop();
  }
}

test("connections that come, go and are turned away", { skip }, async () => {
  const ours = await play(OUR_SERVER);
  const theirs = await play(reference ?? "");
  assert.deepEqual(ours, theirs);
  assert.deepEqual([ours.system.length, ours.global.length, ours.other.length], [17, 1, 0]);
});
