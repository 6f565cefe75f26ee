import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_SERVER, parseExplain } from "./explain-flags.ts";

const PLAIN = { server: DEFAULT_SERVER, wantsJson: false, insecure: false, cid: 0, sid: "", about: null };

function parse(text: string): ReturnType<typeof parseExplain> {
  return parseExplain(text.split(" ").filter((word) => word !== ""));
}

test("what can be asked for", () => {
  assert.deepEqual(parse(""), PLAIN);
  assert.deepEqual(parse("connection 5"), { ...PLAIN, cid: 5 });
  assert.deepEqual(parse("subscription 5 s1"), { ...PLAIN, cid: 5, sid: "s1" });
  assert.deepEqual(parse("--json connection 5 --server https://h:1/base --insecure"), {
    server: "https://h:1/base",
    wantsJson: true,
    insecure: true,
    cid: 5,
    sid: "",
    about: null,
  });
  assert.deepEqual(parse("stream S"), { ...PLAIN, about: { account: "", stream: "S", consumer: "" } });
  assert.deepEqual(parse("consumer S c --account A"), {
    ...PLAIN,
    about: { account: "A", stream: "S", consumer: "c" },
  });
  assert.equal(parse("connection --help"), null);
});

test("what can't", () => {
  const cases: [string, RegExp][] = [
    ["account A", /no explain "account"/],
    ["connection", /number of a connection/],
    ["connection x", /number of a connection/],
    ["connection 0", /number of a connection/],
    ["connection 5 6", /takes one number/],
    ["subscription 5", /id \(sid\)/],
    ["subscription 5 6 7", /id \(sid\)/],
    ["stream", /name of one stream/],
    ["stream S c", /name of one stream/],
    ["consumer S", /names of a stream and of one/],
    ["consumer S c d", /names of a stream and of one/],
    ["--server localhost:8222", /takes the URL/],
    ["--server ftp://h", /takes the URL/],
    ["--nonsense", /nonsense/],
  ];
  for (const [text, expected] of cases) {
    const line = parse(text);
    assert.ok(typeof line === "string", text);
    assert.match(line, expected);
  }
});
