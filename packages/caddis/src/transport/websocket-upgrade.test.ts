import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveOptions } from "../config/load.ts";
import type { OptionsInput } from "../config/options.ts";
import type { UpgradeAnswer } from "../io/websocket.ts";
import { messageLimits } from "./websocket-framing.ts";
import { reviewUpgrade } from "./websocket-upgrade.ts";

const HEADERS = {
  host: "a.test:8080",
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
};

function review(
  headers: Readonly<Record<string, string>>,
  block: OptionsInput["websocket"] = {},
  isSecure = false,
): UpgradeAnswer {
  const { websocket } = resolveOptions({ websocket: { port: 8080, no_tls: true, ...block } });
  const fields = Object.entries({ ...HEADERS, ...headers }).map(([name, value]) => [name, [value]] as const);
  return reviewUpgrade({ method: "GET", target: "/", headers: new Map(fields), isSecure }, websocket);
}

test("a request is granted with what it says about its connection", () => {
  assert.deepEqual(
    review(
      { "x-forwarded-for": "1.2.3.4, 5.6.7.8", cookie: "t=x" },
      { token_cookie: "t", compression: true },
    ),
    {
      granted: true,
      upgrade: { cookies: { jwt: "", user: "", pass: "", auth_token: "x" }, forwardedFor: "1.2.3.4" },
      framing: { compresses: true, frameBytesMax: 0, cutsCompressed: true },
    },
  );
});

test("only an address is taken for that of a proxy's client", () => {
  for (const [field, expected] of [
    ["1.2.3.4", "1.2.3.4"],
    ["2001:db8::1", "2001:db8::1"],
    ["unknown", ""],
    ["1.2.3.4\r\n[INF] x", ""],
    ["evil - cid:1", ""],
    ["", ""],
  ] as const) {
    const answer = review({ "x-forwarded-for": field });
    assert.equal(answer.granted && answer.upgrade.forwardedFor, expected, field);
  }
});

test("refusals have their reasons for the log", () => {
  for (const [headers, block, status, reason] of [
    [{ host: "" }, {}, 400, "'Host' missing in request"],
    [{ "sec-websocket-key": "x" }, {}, 400, "invalid websocket key"],
    [{ origin: "http://b.test:8080" }, { same_origin: true }, 403, "origin not allowed: not same origin"],
    [
      { origin: "http://b.test" },
      { allowed_origins: "http://a.test" },
      403,
      "origin not allowed: not in the allowed list",
    ],
  ] as const) {
    assert.deepEqual(review(headers, block), { granted: false, status, reason });
  }
});

test("with TLS the same origin is https", () => {
  assert.equal(review({ origin: "http://a.test:8080" }, { same_origin: true }).granted, true);
  assert.equal(review({ origin: "http://a.test:8080" }, { same_origin: true }, true).granted, false);
  assert.equal(review({ origin: "https://a.test:8080" }, { same_origin: true }, true).granted, true);
});

test("browsers get short frames, and Safari compressed messages whole", () => {
  const framing = (agent: string): unknown => {
    const answer = review({ "user-agent": agent }, { compression: true });
    return answer.granted && [answer.framing.frameBytesMax, answer.framing.cutsCompressed];
  };
  assert.deepEqual(framing("Mozilla/5.0 Chrome/1 Safari/1"), [4096, true]);
  assert.deepEqual(framing("Mozilla/5.0 Version/18.0 Safari/605"), [4096, false]);
  assert.deepEqual(framing("node"), [0, true]);
});

test("messages may have eight payloads and at most 64 MiB, those of strangers little more than a CONNECT", () => {
  assert.deepEqual(messageLimits(1024 * 1024, 4096), { stranger: 65_536, admitted: 8 * 1024 * 1024 });
  assert.deepEqual(messageLimits(64 * 1024 * 1024, 4096), { stranger: 65_536, admitted: 64 * 1024 * 1024 });
  assert.deepEqual(messageLimits(1, 4096), { stranger: 65_536, admitted: 65_536 });
  assert.deepEqual(messageLimits(1024, 100_000), { stranger: 200_000, admitted: 200_000 });
});
