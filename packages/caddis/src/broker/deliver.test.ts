import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker } from "../../../../test/support/test-broker.ts";

function pub(subject: string, payload: string): string {
  return `PUB ${subject} ${payload.length}\r\n${payload}\r\n`;
}

test("each plain subscription gets a copy, each queue group one, whatever subjects its members gave", () => {
  const world = new TestBroker();
  const receivers = Array.from({ length: 4 }, () => world.connect());
  for (const peer of receivers)
    peer.say("SUB a.b 1\r\nSUB a.* 2\r\nSUB a.b q 3\r\nSUB a.* q 4\r\nSUB > r 5\r\n");
  const publisher = world.connect();
  for (let i = 0; i < 50; i++) publisher.say(pub("a.b", `${i}`));
  const bySid = new Map<string, number>();
  for (const peer of receivers) {
    for (const { sid } of peer.messages()) bySid.set(sid, (bySid.get(sid) ?? 0) + 1);
  }
  assert.equal(bySid.get("1"), 200);
  assert.equal(bySid.get("2"), 200);
  assert.equal((bySid.get("3") ?? 0) + (bySid.get("4") ?? 0), 50);
  assert.equal(bySid.get("5"), 50);
});

test("members of a queue group are chosen evenly", () => {
  const world = new TestBroker();
  const members = Array.from({ length: 5 }, () => world.connect());
  for (const member of members) member.say("SUB work q 1\r\n");
  const publisher = world.connect();
  publisher.say(pub("work", "x").repeat(5_000));
  const counts = members.map((member) => member.messages().length);
  assert.equal(
    counts.reduce((sum, count) => sum + count),
    5_000,
  );
  // Seeded chance: a fair choice stays within four standard deviations of 1,000.
  for (const count of counts) assert.ok(Math.abs(count - 1_000) < 115, counts.join(", "));
});

test("without echo nothing comes back, not by a queue group either, while others get theirs", () => {
  const world = new TestBroker();
  const own = world.connect('{"verbose":false,"pedantic":false,"echo":false}');
  const other = world.connect();
  own.say("SUB foo 1\r\nSUB foo q 2\r\n");
  own.say(pub("foo", "alone"));
  assert.equal(own.read(), "");
  other.say("SUB foo q 1\r\n");
  for (let i = 0; i < 20; i++) own.say(pub("foo", "x"));
  assert.equal(own.read(), "");
  assert.equal(other.messages().length, 20);
});

test("headers go to who takes them; others get the payload behind them", () => {
  const world = new TestBroker();
  const [modern, plain] = [world.connect(), world.connect('{"verbose":false,"headers":false}')];
  for (const peer of [modern, plain]) peer.say("SUB foo 7\r\n");
  const headers = "NATS/1.0\r\nA: b\r\n\r\n";
  world.connect().say(`HPUB foo reply 0${headers.length} 00${headers.length + 5}\r\n${headers}hello\r\n`);
  assert.equal(
    modern.read(),
    `HMSG foo 7 reply 0${headers.length} 00${headers.length + 5}\r\n${headers}hello\r\n`,
  );
  assert.equal(plain.read(), "MSG foo 7 reply 5\r\nhello\r\n");
});

test("who asks where nobody listens is told so, once, by a subscription of its own", () => {
  const world = new TestBroker();
  const requester = world.connect();
  const other = world.connect();
  other.say("SUB _INBOX.> 9\r\n");
  requester.say("SUB _INBOX.* 4\r\nUNSUB 4 1\r\nSUB _INBOX.* q 5\r\n");
  for (let i = 0; i < 3; i++) requester.say("PUB nobody _INBOX.x 0\r\n\r\n");
  const status = "NATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n";
  assert.equal(
    requester.read(),
    `HMSG _INBOX.x 4 ${status.length} ${status.length}\r\n${status}\r\n`.repeat(3),
  );
  assert.equal(other.read(), "");
  other.say("SUB nobody 1\r\n");
  requester.say("PUB nobody _INBOX.x 0\r\n\r\n");
  assert.equal(requester.read(), "");
});

test("a publisher follows interest as it changes", () => {
  const world = new TestBroker();
  const [receiver, publisher] = [world.connect(), world.connect()];
  const receives = (): number => {
    for (let i = 0; i < 20; i++) publisher.say(pub("foo.bar", "x"));
    return receiver.messages().length;
  };
  assert.equal(receives(), 0);
  receiver.say("SUB foo.bar 1\r\n");
  assert.equal(receives(), 20);
  receiver.say("SUB *.bar 2\r\n");
  assert.equal(receives(), 40);
  receiver.say("UNSUB 1\r\n");
  assert.equal(receives(), 20);
  world.broker.globalAccount.sublist.sweep();
  assert.equal(receives(), 20);
  receiver.say("CONNECT {}\r\n");
  receiver.read();
  assert.equal(receives(), 0);
});
