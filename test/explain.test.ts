/** /explainz over HTTP, as programs and people ask it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestServer } from "../packages/caddis/src/server/testing.ts";
import { InProcessPeer } from "./support/in-process-peer.ts";
import { type Fields, MonitoredScene } from "./support/monitored-scene.ts";

const CONNECT = 'CONNECT {"verbose":false,"protocol":1,"headers":true,"name":"<b>"}\r\n';

async function ask(url: string): Promise<{ status: number; body: Fields }> {
  const response = await fetch(url);
  assert.equal(response.headers.get("access-control-allow-origin"), "*");
  return { status: response.status, body: (await response.json()) as Fields };
}

test("findings, a connection and a subscription, below the base path", async () => {
  await using server = await createTestServer({ http: "127.0.0.1:-1", http_base_path: "/m" });
  const peer = new InProcessPeer(server);
  peer.send(`${CONNECT}SUB a.> s1\r\n`);
  await server.settled();
  const base = `${server.monitoringUrl}/m/explainz`;

  const whole = await ask(base);
  assert.equal(whole.status, 200);
  assert.deepEqual(Object.keys(whole.body), ["server_id", "now", "summary", "findings"]);
  assert.deepEqual(whole.body["summary"], ["Nothing to complain about."]);

  const { body } = await ask(`${base}?cid=1&sid=s1`);
  assert.equal(body["cid"], 1);
  assert.equal(body["state"], "open");
  assert.equal((body["subscription"] as Fields)["subject"], "a.>");
  assert.match(String(body["summary"]), /calls itself "<b>"/);
  const raw = await (await fetch(`${base}?cid=1`)).text();
  assert.ok(!raw.includes("<b>"), "no browser takes it for HTML");

  peer.connection.end();
  await server.settled();
  const gone = await ask(`${base}?cid=1`);
  assert.equal((gone.body["closed"] as Fields)["reason"], "Client Closed");
});

test("what can't be answered", async () => {
  await using server = await createTestServer({ http: "127.0.0.1:-1" });
  for (const [query, status, text] of [
    ["cid=9", 404, /no connection 9 is known/],
    ["cid=x", 400, /parsing "x"/],
    ["cid=-1", 400, /parsing "-1"/],
    ["sid=1", 400, /sid goes with cid/],
  ] as const) {
    const response = await fetch(`${server.monitoringUrl}/explainz?${query}`);
    assert.equal(response.status, status, query);
    assert.match(await response.text(), text);
  }
});

test("with very many connections others get their turns", async () => {
  const scene = await MonitoredScene.start();
  for (let i = 0; i < 500; i++) await scene.connect('CONNECT {"verbose":false}\r\n');
  let turns = 0;
  const progress = { isAnswered: false };
  const asked = Promise.resolve(scene.monitor.answer({ path: "/explainz", query: "" }));
  void asked.then(() => (progress.isAnswered = true));
  while (!progress.isAnswered) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
  }
  assert.ok(turns > 10, `${turns} turns`);
  const answer = await asked;
  const { findings } = JSON.parse([...answer.body].join("")) as { findings: Fields[] };
  assert.equal(findings.find(({ number }) => number === 107)?.["connection_count"], 500);
  await scene.stop();
});
