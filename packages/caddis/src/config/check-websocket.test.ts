import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "./config-error.ts";
import { loadConfig, resolveOptions } from "./load.ts";
import type { Options } from "./options.ts";

/** What is wrong with a `websocket` block beside its port, and `config`. */
function problems(block: string, config = ""): readonly string[] {
  const loaded = loadConfig(`${config}\nwebsocket { port: -1\n${block} }`, {
    file: "conf",
    readFile: () => "",
    env: () => undefined,
  });
  if (loaded.errors.length > 0) return loaded.errors;
  try {
    resolveOptions(loaded.options);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
}

const USERS = "authorization { users: [ { user: ann, password: a } ] }";

const CASES: readonly (readonly [block: string, problem: RegExp | null, config?: string])[] = [
  ["no_tls: true", null],
  ["", /^websocket requires TLS configuration$/],
  ["tls { verify: true }", /^websocket: TLS Server certificate must be present and valid$/],
  [`no_tls: true, allowed_origins: "https://a.test"`, null],
  [`no_tls: true, origins: ["http://a.test:8080", "https://b.test/"]`, null],
  [`no_tls: true, allow_origin: "a.test"`, /unable to parse allowed origin/],
  [`no_tls: true, origin: "ftp://a.test"`, /must be absolute URLs with http or https scheme/],
  [`no_tls: true, origin: "https://"`, /host is required/],
  [`no_tls: true, origin: "https://a.test:x"`, /unable to parse allowed origin/],
  [`no_tls: true, no_auth_user: ann`, /present, but users\/nkeys are not defined/],
  [`no_tls: true, no_auth_user: bob`, /"bob" not present as user or nkey/, USERS],
  [`no_tls: true, no_auth_user: ann`, null, USERS],
  [`no_tls: true, authorization { user: u, password: p }`, null],
  [`no_tls: true, authentication { username: u, pass: p, timeout: 2 }`, null],
  [`no_tls: true, authorization { password: p }`, /has a password but no user/],
  [`no_tls: true, authorization { user: u }`, /username not compatible with presence of users/, USERS],
  [`no_tls: true, authorization { token: t }`, /token not compatible with presence of users/, USERS],
  [`no_tls: true, jwt_cookie: jwt`, /configuration is required for JWT authentication via cookie "jwt"/],
  [`no_tls: true, headers { "X-A": "b", "X-B": "\u00e4" }`, null],
  [`no_tls: true, headers { "Sec-WebSocket-Foo": "b" }`, /"Sec-WebSocket-" prefix not allowed/],
  [`no_tls: true, headers { "Nats-No-Masking": "true" }`, /invalid header "Nats-No-Masking" not allowed/],
  [`no_tls: true, headers { "Upgrade": "x" }`, /invalid header "Upgrade" not allowed/],
  [`no_tls: true, headers { "X-A": "b\\r\\nSet-Cookie: c" }`, /not a field of HTTP/],
  [`no_tls: true, headers { "X A": "b" }`, /not a field of HTTP/],
  [`no_tls: true, headers { "X-A": 5 }`, /must be a string/],
  [`no_tls: true, handshake_timeout: -1`, /handshake_timeout/],
  [`no_tls: true, ping_interval: "-1s"`, /ping_interval/],
  [`no_tls: true, advertise: "a:b"`, /could not parse port "b"/],
  [`no_tls: true, foo: 1`, /unknown field "foo"/],
];

for (const [block, problem, config] of CASES) {
  test(`${config === undefined ? "" : "with users: "}websocket { ${block} }`, () => {
    const found = problems(block, config);
    if (problem === null) assert.deepEqual(found, []);
    else
      assert.ok(
        found.some((text) => problem.test(text)),
        found.join("; "),
      );
  });
}

test("without a port nothing in the block counts", () => {
  resolveOptions({ websocket: { allowed_origins: "nonsense" } });
});

test("a program may hand it in, and what it leaves open has its default", () => {
  const { websocket }: Options = resolveOptions({
    websocket: {
      listen: "127.0.0.1:8080",
      no_tls: true,
      handshake_timeout: "3s",
      allowed_origins: "https://a.test",
    },
  });
  assert.deepEqual(websocket, {
    host: "127.0.0.1",
    port: 8080,
    advertise: "",
    tls: null,
    no_tls: true,
    same_origin: false,
    allowed_origins: ["https://a.test"],
    handshake_timeout: 3_000,
    compression: false,
    jwt_cookie: "",
    user_cookie: "",
    pass_cookie: "",
    token_cookie: "",
    no_auth_user: "",
    headers: {},
    ping_interval: 0,
    authorization: { user: "", password: "", token: "", timeout: 0 },
  });
});
