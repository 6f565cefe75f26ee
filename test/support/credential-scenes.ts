import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeAccount, encodeOperator, encodeUser, fmtCreds } from "@nats-io/jwt";
import { createAccount, createOperator, createUser, type KeyPair } from "@nats-io/nkeys";
import { makeCa, makeCertificate, type TestCertificate } from "./certificates.ts";
import { NO_ACCOUNT_LIMITS_JWT } from "./operator-world.ts";

/** What a client shows, as files and texts that every official client takes in some way. */
export interface Credentials {
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** Path of a file with a user's seed. */
  readonly seedFile?: string;
  /** Path of a creds file: a JWT and its seed. */
  readonly credsFile?: string;
  /** Null: in the clear, even where the server offers more. */
  readonly tls?: {
    readonly caFile: string;
    readonly certFile?: string;
    readonly keyFile?: string;
    /** Shakes hands before INFO. */
    readonly isFirst?: boolean;
  } | null;
}

/** A server's configuration, who gets in there, and who does not. */
export interface CredentialScene {
  readonly name: string;
  readonly config: string;
  readonly good: readonly (readonly [what: string, Credentials])[];
  readonly bad: readonly (readonly [what: string, Credentials])[];
}

/** All ways to authenticate that official clients know, with real keys, tokens and certificates in files of `folder`. */
export async function credentialScenes(folder: string): Promise<readonly CredentialScene[]> {
  const files = new Files(folder);
  return [...secrets(), nkeys(files), await operatorMode(files), ...transport(files)];
}

/** Writes files and gives their paths. */
class Files {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  write(name: string, content: string | Uint8Array): string {
    const path = join(this.#folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  seed(name: string, keys: KeyPair): Credentials {
    return { seedFile: this.write(`${name}.nk`, keys.getSeed()) };
  }

  creds(name: string, jwt: string, keys: KeyPair): Credentials {
    return { credsFile: this.write(`${name}.creds`, fmtCreds(jwt, keys)) };
  }

  pair(name: string, { pem, keyPem }: TestCertificate): { certFile: string; keyFile: string } {
    return { certFile: this.write(`${name}.pem`, pem), keyFile: this.write(`${name}.key`, keyPem) };
  }
}

function secrets(): CredentialScene[] {
  const ann = { user: "ann", pass: "pw" };
  const wrong = [
    ["nothing", {}],
    ["a wrong password", { user: "ann", pass: "PW" }],
    ["somebody unknown", { user: "bob", pass: "pw" }],
  ] as const;
  // `pw`, at cost 4.
  const hash = "$2b$04$oSVHIKGj9/WYqVq6rGs4IOG1UT5nFTqD/J7cdzKkCnEsTBY9AiANO";
  return [
    {
      name: "a token",
      config: "authorization { token: t }",
      good: [["it", { token: "t" }]],
      bad: [
        ["another", { token: "u" }],
        ["nothing", {}],
      ],
    },
    { name: "a user", config: `authorization { user: ann, password: pw }`, good: [["ann", ann]], bad: wrong },
    {
      name: "a user with bcrypt",
      config: `authorization { users: [ { user: ann, password: "${hash}" } ] }`,
      good: [["ann", ann]],
      bad: wrong,
    },
    {
      name: "no_auth_user",
      config: `authorization { users: [ { user: ann, password: pw } ] }\nno_auth_user: ann`,
      good: [
        ["ann", ann],
        ["nothing", {}],
      ],
      bad: wrong.slice(1),
    },
  ];
}

function nkeys(files: Files): CredentialScene {
  const [known, unknown] = [createUser(), createUser()];
  return {
    name: "an nkey",
    config: `authorization { users: [ { nkey: ${known.getPublicKey()} } ] }`,
    good: [["its seed", files.seed("known", known)]],
    bad: [
      ["another seed", files.seed("unknown", unknown)],
      ["a password", { user: known.getPublicKey(), pass: "x" }],
      ["nothing", {}],
    ],
  };
}

async function operatorMode(files: Files): Promise<CredentialScene> {
  const [operator, account, system, stranger] = [
    createOperator(),
    createAccount(),
    createAccount(),
    createAccount(),
  ];
  const [user, other, revoked] = [createUser(), createUser(), createUser()];
  const limits = NO_ACCOUNT_LIMITS_JWT;
  const now = Math.floor(Date.now() / 1_000);
  const signingKey = createAccount();
  const claims = {
    limits,
    signing_keys: [signingKey.getPublicKey()],
    revocations: { [revoked.getPublicKey()]: now + 60 },
  };
  const accountJwt = await encodeAccount("A", account, claims, { signer: operator });
  const systemJwt = await encodeAccount("SYS", system, { limits }, { signer: operator });
  const operatorJwt = await encodeOperator("O", operator, { system_account: system.getPublicKey() });
  const jwt = (keys: KeyPair, issuer: KeyPair, claims = {}, options = {}): Promise<string> =>
    encodeUser("u", keys, issuer, claims, options);
  const id = { issuer_account: account.getPublicKey() };
  return {
    name: "operator mode",
    config: `operator: "${operatorJwt}"
      resolver: MEM
      resolver_preload { ${account.getPublicKey()}: "${accountJwt}", ${system.getPublicKey()}: "${systemJwt}" }`,
    good: [
      ["a user", files.creds("user", await jwt(user, account), user)],
      ["a user of a signing key", files.creds("signed", await jwt(user, signingKey, id), user)],
      ["a user for a while", files.creds("while", await jwt(user, account, {}, { exp: now + 600 }), user)],
      [
        "a bearer, whoever it is",
        files.creds("bearer", await jwt(user, account, { bearer_token: true }), other),
      ],
    ],
    bad: [
      ["a user with another's seed", files.creds("stolen", await jwt(user, account), other)],
      ["an expired user", files.creds("expired", await jwt(user, account, {}, { exp: now - 10 }), user)],
      ["a user to come", files.creds("future", await jwt(user, account, {}, { nbf: now + 600 }), user)],
      ["a revoked user", files.creds("revoked", await jwt(revoked, account), revoked)],
      ["a user of another account", files.creds("stranger", await jwt(user, stranger), user)],
      ["a user that says it is of this account", files.creds("liar", await jwt(user, stranger, id), user)],
      [
        "a user from elsewhere",
        files.creds("network", await jwt(user, account, { src: ["192.0.2.0/24"] }), user),
      ],
      ["a password", { user: "u", pass: "x" }],
      ["nothing", {}],
    ],
  };
}

function transport(files: Files): CredentialScene[] {
  const [ca, otherCa] = [makeCa(), makeCa("Other CA")];
  const server = files.pair("server", makeCertificate({ ca, dns: ["localhost"], ips: ["127.0.0.1"] }));
  const caFile = files.write("ca.pem", ca.pem);
  const otherCaFile = files.write("other-ca.pem", otherCa.pem);
  const ann = files.pair(
    "ann",
    makeCertificate({ ca, subject: [[["CN", "ann"]]], emails: ["ann@example.com"] }),
  );
  const bob = files.pair(
    "bob",
    makeCertificate({ ca, subject: [[["CN", "bob"]]], emails: ["bob@example.com"] }),
  );
  const forged = files.pair("forged", makeCertificate({ ca: otherCa, emails: ["ann@example.com"] }));
  const pair = `cert_file: "${server.certFile}", key_file: "${server.keyFile}", ca_file: "${caFile}"`;
  const map = `authorization { users: [ { user: "ann@example.com" } ] }`;
  const plain: readonly [string, Credentials] = ["in the clear", { tls: null }];
  const distrust: readonly [string, Credentials] = [
    "a client that trusts others",
    { tls: { caFile: otherCaFile } },
  ];
  return [
    {
      name: "TLS",
      config: `tls { ${pair} }`,
      good: [["a client that trusts it", { tls: { caFile } }]],
      bad: [distrust],
    },
    {
      name: "TLS and a password",
      config: `tls { ${pair} }\nauthorization { user: ann, password: pw }`,
      good: [["both", { tls: { caFile }, user: "ann", pass: "pw" }]],
      bad: [["only TLS", { tls: { caFile } }]],
    },
    {
      name: "TLS, handshake first",
      config: `tls { ${pair}, handshake_first: true }`,
      good: [["first", { tls: { caFile, isFirst: true } }]],
      bad: [["not trusted", { tls: { caFile: otherCaFile, isFirst: true } }]],
    },
    {
      name: "TLS, handshake first or later",
      config: `tls { ${pair}, handshake_first: "100ms" }`,
      good: [
        ["first", { tls: { caFile, isFirst: true } }],
        ["later", { tls: { caFile } }],
      ],
      bad: [distrust],
    },
    {
      name: "TLS or not",
      config: `tls { ${pair} }\nallow_non_tls: true`,
      good: [["TLS", { tls: { caFile } }], plain],
      // Who does not trust it may still go on in the clear, and some do.
      bad: [],
    },
    {
      name: "mutual TLS",
      config: `tls { ${pair}, verify: true }`,
      good: [["a certificate", { tls: { caFile, ...ann } }]],
      bad: [
        ["none", { tls: { caFile } }],
        ["one of another authority", { tls: { caFile, ...forged } }],
      ],
    },
    {
      name: "mutual TLS with users",
      config: `tls { ${pair}, verify_and_map: true }\n${map}`,
      good: [["a user's certificate", { tls: { caFile, ...ann } }]],
      bad: [
        ["a certificate of nobody", { tls: { caFile, ...bob } }],
        ["a forged one", { tls: { caFile, ...forged } }],
        ["none, and the user's name", { tls: { caFile }, user: "ann@example.com" }],
      ],
    },
  ];
}
