import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { accountProblems } from "../../packages/caddis/src/auth/account-claims-check.ts";
import { accountOf } from "../../packages/caddis/src/auth/account-claims.ts";
import { isProblem } from "../../packages/caddis/src/auth/claims/fields.ts";
import {
  CREDS_CHARS_MAX,
  parseCreds,
  parseDecoratedJwt,
  parseDecoratedSeed,
} from "../../packages/caddis/src/auth/creds.ts";
import { decodeJwt } from "../../packages/caddis/src/auth/jwt.ts";
import { decodePublicNkey, decodeSeed } from "../../packages/caddis/src/auth/nkey.ts";
import { decodeSignature, KeyPair } from "../../packages/caddis/src/auth/nkey-pair.ts";
import { decodeOperator } from "../../packages/caddis/src/auth/operator.ts";
import { readUserToken } from "../../packages/caddis/src/auth/user-claims.ts";
import { userProblems } from "../../packages/caddis/src/auth/user-claims-check.ts";
import type { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";
import { JwtWorld, keyPair, NOW_MS } from "../support/jwt-world.ts";
import { forEachSeed, pick } from "./seeds.ts";

const vectors = JSON.parse(readFileSync(join(import.meta.dirname, "../jwt-vectors.json"), "utf8")) as {
  readonly keys: Readonly<Record<string, { readonly seed: string; readonly public: string }>>;
  readonly tokens: Readonly<Record<string, string>>;
  readonly creds: string;
};
const TOKENS = Object.values(vectors.tokens);
/** Version 1 signs no header: spelled otherwise it may still be one, and says the same. */
const OLD_TOKENS = Object.entries(vectors.tokens).flatMap(([name, token]) =>
  name.endsWith("1") ? [token] : [],
);
const KEYS = Object.values(vectors.keys);
/** Alterations of one kind per seed. */
const ROUNDS = 150;

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const ODD = ["", "=", ".", "..", "\n", " ", "\0", "é", "\ud800", "+", "/", "{", "%2e", "eyJ"];

/** `text`, altered in one or a few places. */
function alter(random: SeededRandom, text: string): string {
  let altered = text;
  for (let i = random.below(3); i >= 0; i--) {
    const at = random.below(altered.length + 1);
    const length = random.below(4);
    const filling = pick(random, [
      pick(random, ODD),
      LETTERS[random.below(64)],
      pick(random, TOKENS).slice(at, at + length),
    ]);
    altered =
      altered.slice(0, at) + filling + altered.slice(at + (random.below(2) === 0 ? filling.length : length));
  }
  return altered;
}

test("no altered token is accepted, and none does harm", async (t) => {
  await forEachSeed(t, (random) => {
    for (let i = 0; i < ROUNDS; i++) {
      const token = pick(random, TOKENS);
      const altered = alter(random, token);
      const claims = decodeJwt(altered);
      if (TOKENS.includes(altered) || isProblem(claims)) continue;
      const same = OLD_TOKENS.find((old) => altered.endsWith(old.slice(old.indexOf("."))));
      assert.ok(same !== undefined, `accepted: ${altered}`);
      assert.deepEqual(claims, decodeJwt(same));
    }
  });
});

test("no token with one bit turned is accepted", () => {
  for (const name of ["user2", "authorization_response2"]) {
    const token = vectors.tokens[name];
    for (let i = 0; i < token.length; i++) {
      const code = token.charCodeAt(i) ^ (1 << (i % 7));
      const altered = token.slice(0, i) + String.fromCharCode(code) + token.slice(i + 1);
      assert.ok(isProblem(decodeJwt(altered)), `${name}: ${i}`);
    }
  }
});

test("parts of tokens put together anew make none", async (t) => {
  await forEachSeed(t, (random) => {
    for (let i = 0; i < ROUNDS; i++) {
      const parts = [0, 1, 2].map((part) => pick(random, TOKENS).split(".")[part]);
      const mixed = parts.join(".");
      const claims = decodeJwt(mixed);
      if (isProblem(claims)) continue;
      const rest = `.${parts[1]}.${parts[2]}`;
      assert.ok(
        TOKENS.some((token) => token.endsWith(rest)),
        mixed,
      );
    }
  });
});

/** Any JSON value, with a liking for what claims are made of. */
function randomValue(random: SeededRandom, depth: number): unknown {
  const names = [
    "pub",
    "sub",
    "allow",
    "deny",
    "resp",
    "src",
    "times",
    "limits",
    "exports",
    "imports",
    "mappings",
    "signing_keys",
    "type",
    "version",
    "kind",
    "key",
    "template",
    "subject",
    "account",
    "tags",
    "__proto__",
    "constructor",
    "revocations",
    "tiered_limits",
    "local_subject",
    "token",
    "weight",
    "service_latency",
  ];
  const texts = [
    "",
    "a",
    "a.*",
    ">",
    "$1",
    "{{name()}}",
    "{{tag(a)}}",
    "service",
    "stream",
    "user_scope",
    "*",
    vectors.keys["account"].public,
    vectors.tokens["activation2"],
    "192.0.2.0/24",
    "08:00:00",
    "\ud800",
  ];
  const numbers = [0, -1, 1, 2, 1.5, 2 ** 53, -(2 ** 63), 1e300];
  switch (random.below(depth > 0 ? 8 : 5)) {
    case 0:
      return pick(random, numbers);
    case 1:
      return random.below(2) === 0;
    case 2:
      return null;
    case 3:
    case 4:
      return pick(random, texts);
    case 5:
      return Array.from({ length: random.below(4) }, () => randomValue(random, depth - 1));
    default: {
      const members = Array.from({ length: random.below(6) }, () => [
        pick(random, names),
        randomValue(random, depth - 1),
      ]);
      return Object.fromEntries(members);
    }
  }
}

test("claims of any shape, correctly signed, are read or refused and checked without harm", async (t) => {
  const world = new JwtWorld();
  const signers = [world.operator, world.account, world.user, keyPair("server", 1)];
  await forEachSeed(t, (random) => {
    for (let i = 0; i < ROUNDS; i++) {
      const signer = pick(random, signers);
      const nats = randomValue(random, 4);
      const type = pick(random, [
        "operator",
        "account",
        "user",
        "activation",
        "authorization_request",
        "authorization_response",
        "other",
        5,
      ]);
      const inside = typeof nats === "object" && nats !== null ? { ...nats, type, version: 2 } : nats;
      const sub = pick(random, [world.operator, world.account, world.user]).publicKey;
      const payload = { iss: signer.publicKey, sub, exp: randomValue(random, 0), nats: inside };
      const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
      const signed = `${encode({ typ: "JWT", alg: "ed25519-nkey" })}.${encode(payload)}`;
      const token = `${signed}.${Buffer.from(signer.sign(Buffer.from(signed))).toString("base64url")}`;
      const claims = decodeJwt(token);
      if (isProblem(claims)) continue;
      if (claims.type === "account") {
        accountProblems(claims);
        accountOf(claims, false);
      }
      if (claims.type === "user") userProblems(claims);
      const rules = {
        operators: { isTrusted: () => true },
        pinnedAccounts: null,
        defaultSentinel: "",
        localZone: "UTC",
      };
      readUserToken(world.request(token), rules, { nowMs: NOW_MS, proxyKey: "" });
    }
  });
});

test("no altered key is a key, and none does harm", async (t) => {
  await forEachSeed(t, (random) => {
    for (let i = 0; i < ROUNDS; i++) {
      const key = pick(random, KEYS);
      for (const [spelling, decode] of [
        [key.public, decodePublicNkey],
        [key.seed, decodeSeed],
      ] as const) {
        const altered = alter(random, spelling);
        if (altered !== spelling) assert.equal(decode(altered), null, altered);
        decode(Buffer.from(altered, "latin1").toString("latin1"));
      }
      decodeSeed(random.bytes(58));
      KeyPair.fromSeed(alter(random, key.seed));
      decodeSignature(alter(random, pick(random, TOKENS).split(".")[2]));
    }
  });
});

test("credentials in any state are read or refused", async (t) => {
  const pieces = [
    "-----BEGIN NATS USER JWT-----\n",
    "------END NATS USER JWT------\n",
    "---",
    "\r\n",
    "\n",
    KEYS[0].seed,
    vectors.keys["user"].seed,
    TOKENS[0],
    " ",
    "# x\n",
  ];
  await forEachSeed(t, (random) => {
    for (let i = 0; i < ROUNDS; i++) {
      const made = Array.from({ length: random.below(12) }, () => pick(random, pieces)).join("");
      for (const text of [alter(random, vectors.creds), made, alter(random, made)]) {
        const creds = parseCreds(text);
        if (creds !== null) {
          assert.equal(creds.keyPair.role, "user");
          assert.ok(text.includes(creds.jwt) && creds.jwt.length > 0);
        }
        assert.ok(parseDecoratedJwt(text).length <= CREDS_CHARS_MAX);
        parseDecoratedSeed(text);
        decodeOperator(text);
      }
    }
  });
});
