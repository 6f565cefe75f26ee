import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeAccount, encodeOperator, encodeUser } from "@nats-io/jwt";
import { createAccount, createOperator, createUser } from "@nats-io/nkeys";
import { faultsOf, optionsOf, problemsOf } from "../../../../test/support/config-options.ts";

const operatorKeys = createOperator();
const accountKeys = createAccount();
const OPERATOR = await encodeOperator("O", operatorKeys);
const ACCOUNT_ID = accountKeys.getPublicKey();
const ACCOUNT = await encodeAccount("A", accountKeys, {}, { signer: operatorKeys });
const NAMING = await encodeOperator("N", operatorKeys, {
  account_server_url: "https://accounts.example/jwt/v1",
  system_account: ACCOUNT_ID,
});
const BEARER = await encodeUser("U", createUser(), accountKeys, { bearer_token: true });
const NO_BEARER = await encodeUser("U", createUser(), accountKeys);
const MODE = { operator: OPERATOR, resolver: "MEM" };

describe("operator", () => {
  test("by path, decorated or not, or itself", () => {
    const files = {
      "o.jwt": `${OPERATOR}\n`,
      "d.jwt": `-----BEGIN NATS OPERATOR JWT-----\r\n${OPERATOR}\r\n------END NATS OPERATOR JWT------\r\n`,
    };
    const { operator } = optionsOf(`operator: ["o.jwt", 'd.jwt', "${OPERATOR}"]\nresolver: MEM`, files);
    assert.deepEqual(operator, [OPERATOR, OPERATOR, OPERATOR]);
  });

  test("of a program is never a path", () => {
    assert.deepEqual(problemsOf({ operator: "o.jwt", resolver: "MEM" }), [
      "error parsing operator JWT: expected 3 chunks",
    ]);
  });

  test("names the resolver and the system account, unless the options do", () => {
    const { resolver, system_account } = optionsOf(`operator: ${NAMING}`);
    assert.deepEqual(resolver, { type: "url", url: "https://accounts.example/jwt/v1/accounts/" });
    assert.equal(system_account, ACCOUNT_ID);
    assert.deepEqual(optionsOf(`operator: ${NAMING}\nresolver: MEM`).resolver, { type: "memory" });
  });

  test("of several none names anything", () => {
    const { resolver, system_account } = optionsOf(`operator: [${NAMING}, ${OPERATOR}]\nresolver: MEM`);
    assert.deepEqual([resolver, system_account], [{ type: "memory" }, ""]);
    assert.deepEqual(problemsOf({ operator: [NAMING, OPERATOR] }), [
      "operators require an account resolver to be configured",
    ]);
  });

  const bad: [object, string][] = [
    [{ operator: OPERATOR }, "operators require an account resolver to be configured"],
    [{ ...MODE, accounts: ["A"] }, "operators do not allow Accounts to be configured directly"],
    [{ ...MODE, mappings: { a: "b" } }, "operators do not allow Accounts to be configured directly"],
    [
      { ...MODE, authorization: { users: [{ user: "a" }] } },
      "operators do not allow users to be configured directly",
    ],
    [
      { ...MODE, trusted: operatorKeys.getPublicKey() },
      "conflicting options for 'TrustedKeys' and 'TrustedOperators'",
    ],
    [
      { ...MODE, authorization: { auth_callout: { issuer: ACCOUNT_ID, auth_users: ["a"] } } },
      "operators do not allow authorization callouts to be configured directly",
    ],
    [{ ...MODE, no_auth_user: "a" }, "no_auth_user not compatible with Trusted Operator"],
    [
      { ...MODE, resolver_pinned_accounts: ["x"] },
      'pinned account key "x" is not a valid public account nkey',
    ],
    [{ ...MODE, default_sentinel: "x" }, "default sentinel JWT not valid"],
    [{ ...MODE, default_sentinel: ACCOUNT }, "default sentinel JWT not valid"],
    [{ ...MODE, default_sentinel: NO_BEARER }, "default sentinel must be a bearer token"],
    [{ default_sentinel: BEARER }, "default sentinel requires operators and accounts"],
    [
      { operator: NAMING, system_account: "other" },
      "system_account in config and operator JWT must be identical",
    ],
    [
      { operator: OPERATOR, resolver: { type: "full", dir: "d" } },
      "using nats based account resolver - the system account needs to be specified in configuration or the operator jwt",
    ],
  ];
  for (const [input, problem] of bad) {
    test(problem, () => assert.deepEqual(problemsOf(input), [problem]));
  }

  test("with a sentinel, pinned accounts and preload", () => {
    const options = optionsOf(
      `operator: ${OPERATOR}\nresolver: MEM\nresolver_preload {${ACCOUNT_ID}: ${ACCOUNT}}\n` +
        `resolver_pinned_accounts: ${ACCOUNT_ID}\ndefault_sentinel: ${BEARER}`,
    );
    assert.deepEqual([...options.resolver_preload], [[ACCOUNT_ID, ACCOUNT]]);
    assert.deepEqual(options.resolver_pinned_accounts, [ACCOUNT_ID]);
    assert.equal(options.default_sentinel, BEARER);
  });

  test("that asks for a newer server", async () => {
    // The library's type does not know the claim.
    const asking = (version: string): Promise<string> => {
      const claims: object = { assert_server_version: version };
      return encodeOperator("O", operatorKeys, claims);
    };
    const problem = async (version: string): Promise<string> =>
      problemsOf({ operator: await asking(version), resolver: "MEM" })
        .join()
        .replace(/^operator \w+ /, "");
    assert.equal(await problem("2.15.1"), "");
    assert.equal(await problem("1.99.99"), "");
    assert.equal(await problem("2.14.9"), "");
    assert.equal(await problem("3.0.0"), "expected major version 3 > server major version 2");
    assert.equal(await problem("2.16.0"), "expected minor version 16 > server minor version 15");
    assert.equal(await problem("2.15.2"), "expected update version 2 > server update version 1");
    assert.match(await problem("2.x"), /^expects version 2\.x got error instead/);
  });
});

describe("resolver", () => {
  test("in all forms", () => {
    const resolverOf = (text: string): unknown => optionsOf(`resolver: ${text}`).resolver;
    assert.deepEqual(resolverOf("memory"), { type: "memory" });
    assert.deepEqual(resolverOf('URL("http://h:1/x")'), { type: "url", url: "http://h:1/x/" });
    assert.deepEqual(resolverOf("{type: full, dir: d}"), {
      type: "full",
      dir: "d",
      allow_delete: false,
      hard_delete: false,
      limit: -1,
      interval: 60_000,
      timeout: 1_900,
    });
    assert.deepEqual(
      resolverOf(
        '{type: FULL, dir: d, allow_delete: true, hard_delete: true, limit: 5, interval: "2m", timeout: "1s"}',
      ),
      {
        type: "full",
        dir: "d",
        allow_delete: true,
        hard_delete: true,
        limit: 5,
        interval: 120_000,
        timeout: 1_000,
      },
    );
    assert.deepEqual(resolverOf("{type: cache, dir: d}"), {
      type: "cache",
      dir: "d",
      limit: 1_000,
      ttl: 0,
      timeout: 1_900,
    });
    assert.deepEqual(resolverOf('{type: cache, dir: d, limit: 7, ttl: "2m"}'), {
      type: "cache",
      dir: "d",
      limit: 7,
      ttl: 120_000,
      timeout: 1_900,
    });
  });

  test("its TLS", () => {
    assert.deepEqual(
      optionsOf('resolver_tls {ca_file: a, insecure: true, min_version: "1.3"}').resolver_tls,
      {
        certificates: [],
        ca_file: "a",
        min_version: "1.3",
        insecure: true,
      },
    );
  });

  test("whose URL is none", () => {
    assert.deepEqual(faultsOf('resolver: "URL(ftp://h)"'), [
      'error parsing account resolver url ["ftp://h"]',
    ]);
  });
});
