/** Requests to become a WebSocket, side by side with the reference server: which are granted, and how others are refused. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";
import { type UpgradeParts, WsPeer } from "./support/ws-peer.ts";

interface Case {
  readonly name: string;
  readonly parts: UpgradeParts;
  readonly status: number;
  /** Where the reference server differs. */
  readonly reference?: number;
}

function of(name: string, status: number, headers: UpgradeParts["headers"], reference?: number): Case {
  return {
    name,
    status,
    parts: { headers: headers ?? {} },
    ...(reference === undefined ? {} : { reference }),
  };
}

const CASES: readonly Case[] = [
  of("all as it should be", 101, {}),
  { name: "any path", status: 101, parts: { target: "/a/b?c=d" } },
  { name: "POST", status: 405, parts: { method: "POST" } },
  { name: "a leafnode", status: 404, parts: { target: "/leafnode" }, reference: 101 },
  { name: "an MQTT client", status: 404, parts: { target: "/mqtt" } },
  { name: "an MQTT client behind a path", status: 404, parts: { target: "/x/mqtt" } },
  of("no Host", 400, { Host: null }),
  of("no Upgrade", 400, { Upgrade: null }),
  of("Upgrade to something else", 400, { Upgrade: "h2c" }),
  of("Upgrade to one of several", 101, { Upgrade: "h2c, WebSocket" }),
  of("no Connection", 400, { Connection: null }),
  of("Connection: keep-alive, Upgrade", 101, { Connection: "keep-alive, Upgrade" }),
  of("Connection: keep-alive", 400, { Connection: "keep-alive" }),
  of("no key", 400, { "Sec-WebSocket-Key": null }),
  of("a short key", 400, { "Sec-WebSocket-Key": "AAAA" }),
  of("a key of 17 bytes", 400, { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZSE=" }),
  of("a key that is no base64", 400, { "Sec-WebSocket-Key": "!!!!!!!!!!!!!!!!!!!!!!==" }),
  of("no version", 400, { "Sec-WebSocket-Version": null }),
  of("version 8", 400, { "Sec-WebSocket-Version": "8" }),
  of("versions 8 and 13", 101, { "Sec-WebSocket-Version": "8, 13" }),
  of("subprotocols", 101, { "Sec-WebSocket-Protocol": "nats, x" }),
  of("extensions nobody knows", 101, { "Sec-WebSocket-Extensions": "x-foo; a=b" }),
  of("permessage-deflate as Chrome offers it", 101, {
    "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
  }),
  // The rules say that the offer is to be declined; ours does not go on with who makes no sense.
  of(
    "permessage-deflate with nonsense",
    400,
    { "Sec-WebSocket-Extensions": "permessage-deflate; foo=1" },
    101,
  ),
  of("no Origin", 101, {}),
  of("an allowed Origin", 101, { Origin: "https://app.example.com" }),
  of("an allowed Origin with its port", 101, { Origin: "https://app.example.com:443" }),
  of("an allowed Origin in capitals", 101, { Origin: "https://APP.example.com" }),
  of("an allowed host with another port", 403, { Origin: "https://app.example.com:444" }),
  of("an allowed host with another scheme", 403, { Origin: "http://app.example.com:443" }),
  of("another Origin", 403, { Origin: "https://evil.example.com" }),
  of("an Origin that ends like an allowed one", 403, { Origin: "https://xapp.example.com" }),
  of("an Origin that begins like an allowed one", 403, { Origin: "https://app.example.com.evil.test" }),
  of("an Origin with a user", 403, { Origin: "https://app.example.com@evil.test" }),
  of("the null Origin", 403, { Origin: "null" }),
  of("an Origin that is no URL", 403, { Origin: "app.example.com" }),
  of("an allowed Origin on a local port", 101, { Origin: "http://localhost:3000" }),
  of("the old name of Origin", 403, { "Sec-WebSocket-Origin": "https://evil.example.com" }),
];

const CONFIG = `websocket {
  listen: "127.0.0.1:-1", no_tls: true, compression: true
  allowed_origins: ["https://app.example.com", "http://localhost:3000/"]
}`;

const SAME_ORIGIN = `websocket { listen: "127.0.0.1:-1", no_tls: true, same_origin: true }`;

async function wsPort(command: string, config: string): Promise<{ server: ServerProcess; port: number }> {
  const server = await ServerProcess.start({ command, config });
  return { server, port: Number(/websocket clients on ws:\/\/127\.0\.0\.1:(\d+)/.exec(server.log)?.[1]) };
}

async function statusOf(port: number, parts: UpgradeParts): Promise<number> {
  const peer = await WsPeer.open(port, parts);
  peer.drop();
  return peer.status;
}

for (const [name, command] of [
  ["Caddis", OUR_SERVER],
  ["nats-server", findReferenceServer()],
] as const) {
  let servers: Awaited<ReturnType<typeof wsPort>>[] = [];
  before(async () => {
    if (command !== null)
      servers = await Promise.all([wsPort(command, CONFIG), wsPort(command, SAME_ORIGIN)]);
  });
  after(async () => {
    await Promise.all(servers.map(({ server }) => server.stop()));
  });
  for (const one of CASES) {
    test(`${name}: ${one.name}`, { timeout: 20_000 }, async (t) => {
      if (servers.length === 0) {
        t.skip("no nats-server on PATH");
        return;
      }
      const expected = name === "nats-server" ? (one.reference ?? one.status) : one.status;
      assert.equal(await statusOf(servers[0].port, one.parts), expected);
    });
  }
  test(`${name}: same_origin`, { timeout: 20_000 }, async (t) => {
    if (servers.length === 0) {
      t.skip("no nats-server on PATH");
      return;
    }
    const { port } = servers[1];
    for (const [origin, status] of [
      [`http://127.0.0.1:${port}`, 101],
      [`HTTP://127.0.0.1:${port}`, 101],
      [`https://127.0.0.1:${port}`, 403],
      [`http://127.0.0.1:${port + 1}`, 403],
      [`http://localhost:${port}`, 403],
      [`http://127.0.0.1`, 403],
    ] as const) {
      assert.equal(await statusOf(port, { headers: { Origin: origin } }), status, origin);
    }
  });
}
