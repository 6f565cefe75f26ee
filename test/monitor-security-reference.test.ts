/**
 * What monitoring says of accounts, TLS and JWTs, side by side with the reference server. What clients get in an
 * account, and the servers' own account, are counted otherwise there.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { encodeJwt } from "../packages/caddis/src/auth/jwt.ts";
import type { KeyPair } from "../packages/caddis/src/auth/nkey-pair.ts";
import { OperatorFixture } from "./support/account-jwts.ts";
import { newKeyPair } from "./support/callout-service.ts";
import { type Attribute, makeCa, makeCertificate } from "./support/certificates.ts";
import {
  compareAnswers,
  type MonitoredSide,
  onBoth,
  skipWithoutReference,
} from "./support/monitored-side.ts";

const skip = skipWithoutReference;

function connect(fields: object): string {
  return `CONNECT ${JSON.stringify({ verbose: false, protocol: 1, ...fields })}\r\n`;
}

const ACCOUNTS = `
server_name: n1
accounts {
  SYS { users: [{user: sys, password: s}] }
  A {
    users: [{user: a, password: a}]
    exports: [
      {stream: "s.>"}
      {stream: "t.*", accounts: [B]}
      {service: "q.*", accounts: [B], latency: {sampling: 30, subject: lat}}
      {service: "r", response: stream}
      {service: "c", response: chunked}
      {service: "h", latency: {sampling: headers, subject: lat}}
    ]
    mappings: {foo: bar}
  }
  B {
    users: [{user: b, password: b}]
    imports: [
      {stream: {account: A, subject: "s.>"}, prefix: p}
      {stream: {account: A, subject: "t.*"}}
      {service: {account: A, subject: "q.1"}, to: mine}
      {service: {account: A, subject: "h"}}
    ]
    limits: {max_conn: 1}
  }
  EMPTY {}
}
system_account: SYS
no_auth_user: b
proxies { trusted: [{key: "${newKeyPair("server").publicKey}"}] }
`;

test("accounts, their connections and what they share", { skip }, async () => {
  await onBoth(ACCOUNTS, async (sides) => {
    for (const side of sides) {
      await side.connect(`${connect({ user: "a", pass: "a", name: "n" })}SUB x 1\r\nSUB y q 2\r\n`);
      await side.connect(connect({}));
      const late = await side.connect(connect({ name: "no room" }));
      await late.finish();
      const wrong = await side.connect(connect({ user: "a", pass: "wrong" }));
      await wrong.finish();
      await side.askUntil("/connz?state=closed", (text) => text.includes('"num_connections": 2'));
    }
    await compareAnswers(sides, [
      "/accountz",
      ...["A", "B", "EMPTY", "nobody", "$G"].map((account) => `/accountz?acc=${account}`),
      "/accountz?acc=SYS",
      "/accstatz",
      "/accstatz?unused=true",
      "/accstatz?unused=x",
      ...["", "?auth=1", "?auth=1&state=closed", "?acc=B&auth=1&state=all"].map((query) => `/connz${query}`),
      "/connz?user=a&auth=1&state=all",
      "/subsz?subs=1&acc=A",
      "/varz",
    ]);
  });
});

/** Files for both servers, gone with the test. */
async function folderOf(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-monitor-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

const SUBJECT: readonly (readonly Attribute[])[] = [
  [["DC", "com"]],
  [["C", "DE"]],
  [["O", 'a, "b" <c>']],
  [
    ["OU", "one"],
    ["OU", "two#"],
  ],
  [["CN", "#jo é "]],
  [["UID", "ü"]],
];

test("TLS", { skip }, async (t) => {
  const ca = makeCa();
  const server = makeCertificate({ ca, dns: ["localhost"], ips: ["127.0.0.1"] });
  const client = makeCertificate({ ca, subject: SUBJECT, emails: ["jo@example.com"] });
  const folder = await folderOf(t, { "ca.pem": ca.pem, "cert.pem": server.pem, "key.pem": server.keyPem });
  const files = `cert_file: "${folder}/cert.pem", key_file: "${folder}/key.pem", ca_file: "${folder}/ca.pem"`;
  const trusting = { ca: ca.pem, servername: "localhost" };
  const known = { ...trusting, cert: client.pem, key: client.keyPem };
  const mapped = `server_name: n1
tls { ${files}, verify_and_map: true, timeout: 3.5 }
authorization { users: [{user: "jo@example.com"}] }`;
  await onBoth(mapped, async (sides) => {
    for (const side of sides) {
      await side.connectTls({ ...known, maxVersion: "TLSv1.2" }, false, connect({ name: "a" }));
      await side.connectTls(known, false, connect({ name: "b" }));
    }
    await compareAnswers(sides, ["/varz", "/connz", "/connz?auth=1", "/connz?user=jo@example.com&auth=1"]);
    for (const side of sides) {
      await side.connectTls(trusting, false, connect({ name: "nobody" }));
      await side.askUntil("/connz?state=closed", (text) => text.includes('"num_connections": 1'));
    }
    const reasons = await Promise.all(sides.map((side) => side.askForComparison("/connz?state=closed")));
    for (const { text } of reasons) assert.match(text, /"TLS Handshake Failure"/);
  });
  await onBoth(`server_name: n1\ntls { ${files}, handshake_first: true }\n`, async (sides) => {
    for (const side of sides) await side.connectTls(trusting, true, connect({ name: "first" }));
    await compareAnswers(sides, ["/varz", "/connz?auth=1"]);
  });
  await onBoth(`server_name: n1\nallow_non_tls: true\ntls { ${files} }\n`, async (sides) => {
    for (const side of sides) await side.connect(connect({ name: "plain" }));
    await compareAnswers(sides, ["/varz", "/connz?auth=1"]);
  });
});

interface Tenancy {
  readonly config: string;
  readonly account: string;
  readonly token: (fields: object) => string;
  readonly pair: KeyPair;
}

/** An operator with a system account and another one, whose user `token` makes a JWT for. */
function makeTenancy(): Tenancy {
  const nowMs = Date.now();
  const operator = new OperatorFixture();
  const [system, account, pair] = [newKeyPair("account"), newKeyPair("account"), newKeyPair("user")];
  const limits = {
    subs: -1,
    data: -1,
    payload: -1,
    imports: -1,
    exports: -1,
    wildcards: true,
    conn: -1,
    leaf: -1,
  };
  const accountJwt = (id: string, name: string, nats: object): string =>
    encodeJwt("account", { sub: id, name, nats }, operator.keys, nowMs);
  const operatorJwt = encodeJwt(
    "operator",
    { sub: operator.keys.publicKey, name: "O", nats: { system_account: system.publicKey } },
    operator.keys,
    nowMs,
  );
  // As the reference would write it: what the token says is shown as it stands there.
  const app = accountJwt(account.publicKey, "APP", {
    exports: [{ name: "e", subject: "e.>", type: "stream", token_req: true }],
    limits,
    revocations: { [newKeyPair("user").publicKey]: 1_700_000_000 },
    default_permissions: { pub: {}, sub: {} },
    authorization: {},
    tags: ["red", "blue"],
  });
  return {
    config: `
server_name: n1
operator: "${operatorJwt}"
resolver: MEMORY
resolver_preload { ${system.publicKey}: "${accountJwt(system.publicKey, "SYS", { limits })}", ${account.publicKey}: "${app}" }
`,
    account: account.publicKey,
    token: (fields) =>
      encodeJwt(
        "user",
        { sub: pair.publicKey, name: "jo", nats: { subs: -1, data: -1, payload: -1, ...fields } },
        account,
        nowMs,
      ),
    pair,
  };
}

test("operator mode", { skip }, async () => {
  const { config, account, token, pair } = makeTenancy();
  const proven = (jwt: string) => (nonce: string) =>
    connect({ jwt, sig: Buffer.from(pair.sign(Buffer.from(nonce))).toString("base64url") });
  const start = async (side: MonitoredSide): Promise<void> => {
    side.hasRunningNumbers = false;
    await side.connect(proven(token({ tags: ["x:y", "z"] })));
    await side.connect(connect({ jwt: token({ bearer_token: true }) }));
    const wrong = await side.connect(connect({ jwt: token({}), sig: "nonsense" }));
    await wrong.finish();
    await side.askUntil("/connz?state=closed", (text) => text.includes('"num_connections": 1'));
  };
  await onBoth(config, async (sides) => {
    for (const side of sides) await start(side);
    await compareAnswers(sides, [
      "/varz",
      "/connz",
      "/connz?auth=1",
      `/connz?auth=1&acc=${account}&user=${pair.publicKey}`,
      `/accountz?acc=${account}`,
      "/accountz",
    ]);
  });
});
