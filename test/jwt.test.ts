import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as official from "@nats-io/jwt";
import { accountProblems } from "../packages/caddis/src/auth/account-claims-check.ts";
import type { Claims } from "../packages/caddis/src/auth/claims/claims.ts";
import { isProblem } from "../packages/caddis/src/auth/claims/fields.ts";
import { parseCreds, parseDecoratedSeed } from "../packages/caddis/src/auth/creds.ts";
import { decodeClaims, decodeJwt, encodeJwt, JWT_BYTES_MAX } from "../packages/caddis/src/auth/jwt.ts";
import { publicNkey } from "../packages/caddis/src/auth/nkey.ts";
import { KeyPair } from "../packages/caddis/src/auth/nkey-pair.ts";
import { decodeOperator } from "../packages/caddis/src/auth/operator.ts";
import { userProblems } from "../packages/caddis/src/auth/user-claims-check.ts";
import { decodeSeed } from "../packages/caddis/src/auth/nkey.ts";

/** Made by the reference's own library (Go, versions 1 and 2), with its verdicts. */
interface Vectors {
  readonly keys: Readonly<
    Record<string, { readonly seed: string; readonly public: string; readonly signature: string }>
  >;
  readonly tokens: Readonly<Record<string, string>>;
  readonly creds: string;
  readonly decoratedOperator: string;
  readonly odd: readonly {
    readonly name: string;
    readonly signer: string;
    readonly header: string;
    readonly payload: string;
    readonly signsPayloadOnly: boolean;
    readonly accepted: boolean;
  }[];
  readonly judged: readonly {
    readonly signer: string;
    readonly payload: string;
    readonly errors: readonly string[];
  }[];
}

const vectors = JSON.parse(readFileSync(join(import.meta.dirname, "jwt-vectors.json"), "utf8")) as Vectors;
const { keys, tokens } = vectors;
const HEADER = '{"typ":"JWT","alg":"ed25519-nkey"}';

/** What tokens say when they say nothing. */
const NO_USER = {
  pub: { allow: null, deny: [] },
  sub: { allow: null, deny: [] },
  resp: null,
  src: [],
  times: [],
  times_location: "",
  subs: 0,
  data: 0,
  payload: 0,
  bearer_token: false,
  proxy_required: false,
  allowed_connection_types: [],
  issuer_account: "",
};
const NO_JETSTREAM = {
  mem_storage: 0,
  disk_storage: 0,
  streams: 0,
  consumer: 0,
  max_ack_pending: 0,
  mem_max_stream_bytes: 0,
  disk_max_stream_bytes: 0,
  max_bytes_required: false,
};

function pair(name: string): KeyPair {
  return KeyPair.fromSeed(keys[name].seed) ?? assert.fail(`a seed: ${name}`);
}

function decoded(token: string): Claims {
  const claims = decodeJwt(token);
  return isProblem(claims) ? assert.fail(claims.problem) : claims;
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64url");
}

/** Signs as told, whatever is signed. */
function signed(header: string, payload: string, signer: KeyPair, signsPayloadOnly = false): string {
  const [head, body] = [base64(header), base64(payload)];
  const bytes = Buffer.from(signsPayloadOnly ? body : `${head}.${body}`);
  return `${head}.${body}.${Buffer.from(signer.sign(bytes)).toString("base64url")}`;
}

test("keys are those of the reference's library", () => {
  for (const [name, key] of Object.entries(keys)) {
    const { role, secret } = decodeSeed(key.seed) ?? assert.fail(name);
    assert.equal(publicNkey(role, secret), key.public, name);
    if (name === "curve") continue;
    const signature = pair(name).sign(Buffer.from("a nonce"));
    assert.equal(Buffer.from(signature).toString("base64url"), key.signature, name);
  }
});

test("operator tokens of both versions", () => {
  const claims = decoded(tokens["operator2"]);
  assert.ok(claims.type === "operator" && claims.version === 2);
  assert.equal(claims.name, "O");
  assert.equal(claims.sub, keys["operator"].public);
  assert.deepEqual(claims.tags, ["env:prod"]);
  assert.deepEqual(claims.nats, {
    signing_keys: [keys["operatorSigner"].public],
    account_server_url: "https://accounts.example:8443/jwt/v1",
    operator_service_urls: ["nats://a.example:4222"],
    system_account: keys["other"].public,
    assert_server_version: "2.1.0",
    strict_signing_key_usage: true,
  });
  const old = decoded(tokens["operator1"]);
  assert.ok(old.type === "operator" && old.version === 1);
  assert.deepEqual([old.name, old.tags], ["O1", ["old"]]);
  assert.deepEqual(old.nats.signing_keys, [keys["operatorSigner"].public]);
  assert.deepEqual(decodeOperator(vectors.decoratedOperator), claims);
});

test("account tokens of both versions", () => {
  const claims = decoded(tokens["account2"]);
  assert.ok(claims.type === "account" && claims.version === 2);
  const { nats } = claims;
  assert.equal(claims.exp, 4102444800);
  assert.deepEqual(claims.tags, ["team:blue", "plan:gold"]);
  assert.deepEqual(
    [...nats.signing_keys.keys()].sort(),
    [keys["accountSigner"].public, keys["scopedSigner"].public].sort(),
  );
  assert.equal(nats.signing_keys.get(keys["accountSigner"].public), null);
  assert.deepEqual(nats.signing_keys.get(keys["scopedSigner"].public), {
    key: keys["scopedSigner"].public,
    role: "dev",
    description: "developers",
    template: {
      ...Object.fromEntries(Object.entries(NO_USER).filter(([name]) => name !== "issuer_account")),
      pub: { allow: ["dev.{{name()}}.>", "tag.{{tag(dept)}}"], deny: [] },
      sub: {
        allow: ["dev.{{subject()}}", "acc.{{account-name()}}.{{account-subject()}}.{{account-tag(team)}}"],
        deny: ["secret.>"],
      },
      resp: { max: 3, ttl: 1_500_000 },
      subs: -1,
      data: -1,
      payload: 1024,
      allowed_connection_types: ["STANDARD", "WEBSOCKET"],
    },
  });
  assert.deepEqual(
    nats.revocations,
    new Map([
      ["*", 500],
      [keys["user"].public, 1000],
    ]),
  );
  assert.deepEqual(nats.default_permissions.pub, { allow: null, deny: ["admin.>"] });
  assert.deepEqual(nats.mappings.get("in.*"), [
    { subject: "out.$1", weight: 60, cluster: "" },
    { subject: "alt.$1", weight: 40, cluster: "east" },
  ]);
  assert.deepEqual(nats.authorization, {
    auth_users: [keys["user"].public],
    allowed_accounts: ["*"],
    xkey: keys["curve"].public,
  });
  assert.deepEqual(nats.trace, { dest: "traces", sampling: 25 });
  assert.equal(nats.cluster_traffic, "owner");
  assert.deepEqual([nats.description, nats.info_url], ["An account", "https://example.com/a"]);
  assert.deepEqual(nats.limits, {
    ...NO_JETSTREAM,
    subs: 100,
    data: -1,
    payload: 4096,
    imports: -1,
    exports: -1,
    wildcards: true,
    disallow_bearer: true,
    conn: 10,
    leaf: 2,
    tiered_limits: new Map([
      [
        "R1",
        {
          ...NO_JETSTREAM,
          mem_storage: 1 << 20,
          disk_storage: -1,
          streams: 5,
          consumer: 6,
          max_ack_pending: 7,
          max_bytes_required: true,
        },
      ],
    ]),
  });
  assert.deepEqual(
    nats.exports.map((one) => [
      one.name,
      one.subject,
      one.type,
      one.token_req,
      one.response_type,
      one.response_threshold,
      one.service_latency,
      one.account_token_position,
      one.advertise,
      one.allow_trace,
      [...one.revocations],
    ]),
    [
      ["s", "events.*.>", "stream", true, "", 0, null, 2, false, false, [["*", 77]]],
      ["h", "hdr", "service", false, "Chunked", 0, { sampling: 0, results: "lat" }, 0, false, false, []],
      [
        "q",
        "svc.*",
        "service",
        false,
        "Stream",
        2_500_000_000,
        { sampling: 30, results: "lat" },
        0,
        true,
        true,
        [],
      ],
    ],
  );
  const other = keys["other"].public;
  assert.deepEqual(
    nats.imports.map((one) => [
      one.name,
      one.subject,
      one.account,
      one.token !== "",
      one.to,
      one.local_subject,
      one.type,
      one.share,
      one.allow_trace,
    ]),
    [
      ["i2", "help.*", other, false, "", "local.$1", "service", true, false],
      ["i3", "mine", other, false, "theirs", "", "service", false, false],
      ["i4", "news", other, false, "pre", "", "stream", false, false],
      ["i1", "orders.>", other, true, "", "their.orders.>", "stream", false, true],
    ],
  );
  const old = decoded(tokens["account1"]);
  assert.ok(old.type === "account" && old.version === 1);
  assert.deepEqual([old.name, old.tags], ["A1", ["old"]]);
  assert.deepEqual([...old.nats.signing_keys], [[keys["accountSigner"].public, null]]);
  assert.equal(old.nats.limits.conn, 3);
  assert.deepEqual(old.nats.revocations, new Map([[keys["user"].public, 5]]));
  assert.deepEqual([old.nats.exports[0].subject, old.nats.imports[0].to], ["e", "theirs"]);
});

test("user tokens of both versions", () => {
  const claims = decoded(tokens["user2"]);
  assert.ok(claims.type === "user" && claims.version === 2);
  assert.deepEqual([claims.name, claims.aud, claims.nbf, claims.exp], ["alice", "aud", 1000, 4102444800]);
  assert.deepEqual([claims.iss, claims.sub], [keys["accountSigner"].public, keys["user"].public]);
  assert.deepEqual(claims.tags, ["dept:x", "dept:y"]);
  assert.deepEqual(claims.nats, {
    pub: { allow: ["a", "b.*"], deny: ["c"] },
    sub: { allow: ["d", "e q.*"], deny: [] },
    resp: { max: 2, ttl: 60_000_000_000 },
    src: ["192.0.2.0/24", "2001:db8::/32"],
    times: [{ start: "08:00:00", end: "17:30:00" }],
    times_location: "Europe/Berlin",
    subs: 5,
    data: -1,
    payload: 512,
    bearer_token: true,
    proxy_required: true,
    allowed_connection_types: ["STANDARD"],
    issuer_account: keys["account"].public,
  });
  const scoped = decoded(tokens["userScoped2"]);
  assert.deepEqual(scoped.nats, { ...NO_USER, issuer_account: keys["account"].public });
  const old = decoded(tokens["user1"]);
  assert.ok(old.type === "user" && old.version === 1);
  assert.deepEqual([old.name, old.tags], ["old alice", ["old"]]);
  assert.deepEqual(old.nats, {
    ...NO_USER,
    pub: { allow: ["x"], deny: [] },
    src: ["192.0.2.0/24", "198.51.100.0/24"],
    subs: -1,
    data: -1,
    payload: -1,
    bearer_token: true,
    issuer_account: keys["account"].public,
  });
});

test("activations, authorization and generic tokens", () => {
  const activation = decoded(tokens["activation2"]);
  assert.deepEqual(activation.nats, {
    subject: "orders.>",
    kind: "stream",
    issuer_account: keys["other"].public,
  });
  const old = decoded(tokens["activation1"]);
  assert.deepEqual(old.nats, { subject: "orders", kind: "service", issuer_account: keys["other"].public });
  const request = decoded(tokens["authorization_request2"]);
  assert.ok(request.type === "authorization_request");
  assert.deepEqual(request.nats.client_tls, {
    version: "1.3",
    cipher: "c",
    certs: ["pem"],
    verified_chains: [["x", "y"]],
  });
  assert.deepEqual(request.nats.connect_opts, {
    jwt: "j",
    nkey: "k",
    sig: "s",
    auth_token: "t",
    user: "u",
    pass: "p",
    name: "n",
    lang: "go",
    version: "1",
    protocol: 1,
  });
  assert.deepEqual(request.nats.server_id, {
    name: "s",
    host: "h",
    id: keys["server"].public,
    version: "2",
    cluster: "c",
    tags: ["t"],
    xkey: keys["curve"].public,
  });
  assert.equal(request.nats.user_nkey, keys["user"].public);
  assert.deepEqual([request.nats.client_info.id, request.nats.client_info.nonce], [9, "nn"]);
  assert.equal(request.nats.request_nonce, "rn");
  const response = decoded(tokens["authorization_response2"]);
  assert.deepEqual(response.nats, { jwt: "x.y.z", error: "", issuer_account: keys["account"].public });
  const generic = decoded(tokens["generic2"]);
  assert.ok(generic.type === "generic");
  assert.deepEqual(generic.nats["accounts"], [keys["account"].public]);
  const oldGeneric = decoded(tokens["generic1"]);
  assert.ok(oldGeneric.type === "generic" && oldGeneric.version === 1);
  assert.equal(oldGeneric.nats["hello"], "world");
});

test("credentials of the reference's library", () => {
  const creds = parseCreds(vectors.creds);
  assert.equal(creds?.jwt, tokens["userScoped2"]);
  assert.equal(creds.keyPair.publicKey, keys["user"].public);
  assert.equal(parseDecoratedSeed(vectors.creds)?.publicKey, keys["user"].public);
});

/** Where a token of no type that is known says its version is left to its algorithm, as the library's other function does. */
const GENERIC_TAKEN = ["nats null", "type prototype member"];

test("odd tokens are accepted where the reference's library does", () => {
  assert.ok(vectors.odd.length > 60);
  for (const { name, signer, header, payload, signsPayloadOnly, accepted } of vectors.odd) {
    const claims = decodeJwt(signed(header, payload, pair(signer), signsPayloadOnly));
    if (GENERIC_TAKEN.includes(name)) assert.ok(!isProblem(claims) && claims.type === "generic", name);
    else assert.equal(!isProblem(claims), accepted, name);
  }
});

test("claims are found wrong in the reference's words", () => {
  assert.ok(vectors.judged.length > 50);
  for (const { signer, payload, errors } of vectors.judged) {
    const claims = decoded(signed(HEADER, payload, pair(signer)));
    assert.ok(claims.type === "account" || claims.type === "user");
    const problems = claims.type === "account" ? accountProblems(claims) : userProblems(claims);
    assert.deepEqual([...problems].sort(), [...new Set(errors)].sort(), payload);
  }
});

test("what the reference takes in several spellings, and we in one", () => {
  const account = pair("account");
  const nats = '{"type":"user","version":2}';
  const common = `"iss":"${account.publicKey}","sub":"${keys["user"].public}"`;
  const refused = {
    "a field twice": `{${common},"exp":1,"exp":2,"nats":${nats}}`,
    "a field in two cases": `{${common},"exp":1,"EXP":2,"nats":${nats}}`,
    "a field in another case": `{${common},"Exp":1,"nats":${nats}}`,
    "claims in another case": `{${common},"Nats":${nats}}`,
    "another case inside": `{${common},"nats":{"type":"user","version":2,"Bearer_Token":true}}`,
    "a subject that is no user": `{"iss":"${account.publicKey}","sub":"bob","nats":${nats}}`,
    "an aliased key": `{"iss":"${account.publicKey}","sub":"${account.publicKey}","nats":${nats}}`,
  };
  for (const [name, payload] of Object.entries(refused)) {
    assert.ok(isProblem(decodeJwt(signed(HEADER, payload, account))), name);
  }
  assert.ok(!isProblem(decodeJwt(signed(HEADER, `{${common},"nats":${nats}}`, account))));
  const token = tokens["user2"];
  const [head, body, signature] = token.split(".");
  for (const other of [
    `${token}\n`,
    ` ${token}`,
    `${token}=`,
    `${token}.`,
    `${token}.x`,
    `${head}.${body}`,
    `${head}.${body}.`,
    `${head}.${body}\n.${signature}`,
    `${head}.${body}.${signature.slice(0, -1)}`,
    `.${body}.${signature}`,
    `${head}..${signature}`,
    "",
    "..",
    "...",
    `${signature}.${body}.${head}`,
    Buffer.from(token).toString("base64url"),
  ]) {
    assert.ok(isProblem(decodeJwt(other)), JSON.stringify(other.slice(-20)));
  }
});

test("a token longer than any is refused before it is read", () => {
  const account = pair("account");
  const claims = (bytes: number): string =>
    encodeJwt("user", { sub: keys["user"].public, name: "x".repeat(bytes), nats: {} }, account, 0);
  assert.ok(!isProblem(decodeJwt(claims(700_000))));
  const long = decodeJwt(claims(JWT_BYTES_MAX));
  assert.ok(isProblem(long) && /longer/.test(long.problem));
});

test("a type is asked for by name", () => {
  assert.ok(!isProblem(decodeClaims("user", tokens["user2"])));
  assert.ok(isProblem(decodeClaims("account", tokens["user2"])));
  assert.ok(isProblem(decodeClaims("user", tokens["generic2"])));
});

test("a refusal says nothing of what the token held", () => {
  const account = pair("account");
  for (const payload of ['{"secret":', '{"name":{"secret":1}}', '{"secret":1,"secret":2}']) {
    const claims = decodeJwt(signed(HEADER, payload, account));
    assert.ok(isProblem(claims) && !claims.problem.includes("secret"), payload);
  }
});

test("tokens of @nats-io/jwt are read", async () => {
  const text = new TextDecoder();
  const [operator, account, signer, user, server] = [
    "operator",
    "account",
    "accountSigner",
    "user",
    "server",
  ].map((name) => official.fromSeed(Buffer.from(keys[name].seed)));
  for (const algorithm of [official.Algorithms.v1, official.Algorithms.v2]) {
    const made = {
      operator: await official.encodeOperator("O", operator, {}, { algorithm }),
      account: await official.encodeAccount("A", account, {}, { algorithm, signer: operator }),
      user: await official.encodeUser("U", user, account, { bearer_token: true }, { algorithm }),
      activation: await official.encodeActivation(
        "X",
        account,
        signer,
        "stream",
        { subject: "a.>" },
        { algorithm },
      ),
    };
    for (const [type, token] of Object.entries(made)) {
      const claims = decoded(token);
      assert.equal(claims.type, type);
      assert.equal(claims.version, algorithm === official.Algorithms.v1 ? 1 : 2);
    }
    const { nats } = decoded(made.user) as Extract<Claims, { type: "user" }>;
    assert.deepEqual([nats.subs, nats.bearer_token], [-1, true]);
  }
  const scoped = official.newScopedSigner(signer, "dev", { pub: { allow: ["a.{{name()}}"], deny: [] } });
  const withScope = decoded(
    await official.encodeAccount("A", account, { signing_keys: [scoped] }, { signer: operator }),
  );
  assert.ok(withScope.type === "account");
  assert.deepEqual(withScope.nats.signing_keys.get(signer.getPublicKey())?.template.pub.allow, [
    "a.{{name()}}",
  ]);
  const response = await official.encodeAuthorizationResponse(user, server, account, { jwt: "x" }, {});
  assert.equal(decoded(response).aud, server.getPublicKey());
  const creds = parseCreds(text.decode(official.fmtCreds(tokens["user2"], user)));
  assert.equal(creds?.keyPair.publicKey, user.getPublicKey());
});

test("our tokens are read by @nats-io/jwt, and are as they were meant", () => {
  const token = encodeJwt(
    "user",
    { sub: keys["user"].public, name: "alice", exp: 0, aud: "", nats: { bearer_token: true } },
    pair("account"),
    1_700_000_000_999,
  );
  const theirs = official.decode<official.User>(token);
  assert.deepEqual([theirs.name, theirs.iat, theirs.iss], ["alice", 1_700_000_000, keys["account"].public]);
  assert.deepEqual(theirs.nats, { bearer_token: true, type: "user", version: 2 });
  assert.deepEqual(
    Object.keys(theirs),
    ["jti", "iat", "iss", "name", "sub", "nats"],
    "what is empty is left out",
  );
  const ours = decoded(token);
  // The official library reads bytes as characters; we read UTF-8.
  const named = encodeJwt("user", { sub: keys["user"].public, name: "ünï", nats: {} }, pair("account"), 0);
  assert.equal(decoded(named).name, "ünï");
  assert.deepEqual([ours.name, ours.type, ours.sub], ["alice", "user", keys["user"].public]);
});
