import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAuthTest } from "./auth-test-flags.ts";

function parse(text: string): ReturnType<typeof parseAuthTest> {
  return parseAuthTest(text.split(" "));
}

test("options stand before, between and behind the words", () => {
  const line = {
    configFile: "f",
    wantsJson: true,
    question: { action: "subscribe", subject: "a.>", user: "u", queue: "q" },
  };
  assert.deepEqual(parse("-c f --user u --json subscribe a.> --queue q"), line);
  assert.deepEqual(parse("subscribe --config=f a.> --queue=q --user=u -json"), line);
  assert.deepEqual(parse("-c=e --json=false --user x subscribe a.> --queue q -c f --user u --json"), line);
});

test("all that can be asked", () => {
  const text =
    "-c f publish a --user u --account A --jwt j --creds c --reply r --connection-type mqtt_ws --host h";
  assert.deepEqual(parse(text), {
    configFile: "f",
    wantsJson: false,
    question: {
      action: "publish",
      subject: "a",
      user: "u",
      account: "A",
      jwt: "j",
      creds: "c",
      reply: "r",
      connectionType: "MQTT_WS",
      host: "h",
    },
  });
});

test("what follows -- is no option", () => {
  const line = parse("-c f -- publish --json");
  assert.ok(typeof line === "object" && line !== null);
  assert.equal(line.question.subject, "--json");
});

for (const text of ["-h", "--help", "publish --help"]) {
  test(`${text} asks for help`, () => assert.equal(parse(text), null));
}

const PROBLEMS: readonly (readonly [string, string])[] = [
  ["-c f", "say what is to be tested: publish or subscribe"],
  ["-c f consume a", "say what is to be tested: publish or subscribe"],
  ["-c f publish", "publish takes one subject"],
  ["-c f subscribe a b", "subscribe takes one subject"],
  ["publish a", "say which configuration is to be tested: -c <file>"],
  ["-c f --foo publish a", "flag provided but not defined: -foo"],
  ["-c f publish a --user", "flag needs an argument: -user"],
  [
    "-c f publish a --connection-type TCP",
    'there is no connection type "TCP"; there is STANDARD, WEBSOCKET, LEAFNODE, LEAFNODE_WS, MQTT, MQTT_WS, IN_PROCESS',
  ],
];

for (const [text, problem] of PROBLEMS) {
  test(`${text}: ${problem}`, () => assert.equal(parse(text), problem));
}
