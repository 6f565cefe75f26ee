import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeAccount, encodeOperator, encodeUser } from "@nats-io/jwt";
import { createAccount, createOperator, createUser } from "@nats-io/nkeys";
import { makeCa, makeCertificate, type TestCertificate } from "../test/support/certificates.ts";
import type { FloodServerKind, FloodTarget } from "./flood-attacks.ts";

/** Who works while the flood comes. */
export const INSIDER = { user: "insider", pass: "pw" } as const;

/** `pw`, at cost 11. */
const BCRYPT_PW = "$2b$11$tbbx2xtQlICrbixTG5dLW.1UypwZWe8jm0kzKXRRGXADZvEyu7ZaK";

const CHAIN_CERTIFICATES = 100;
/** Leaves room for the rest of a CONNECT in a control line of 4,096 bytes. */
const LONG_JWT_CHARS = 3_900;

/** Configurations of servers to attack, and what attackers know. */
export interface FloodServers {
  readonly target: Omit<FloodTarget, "port">;
  /** A configuration; `timeout` is that of authentication and of handshakes, in seconds. */
  config(kind: FloodServerKind, timeout: number): string;
  /** The same as a file. */
  configFile(kind: FloodServerKind, timeout: number): string;
  /** Removes all files. */
  remove(): void;
}

/** Makes keys, tokens and certificates. */
export async function makeFloodServers(): Promise<FloodServers> {
  const folder = mkdtempSync(join(tmpdir(), "caddis-flood-"));
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const user = createUser();
  const { operatorConfig, knownJwt } = await operatorMode(user);
  const ca = makeCa();
  const server = makeCertificate({ ca, dns: ["localhost"], ips: ["127.0.0.1"] });
  const tls = (timeout: number, more: object): object => ({
    cert_file: write("server.pem", server.pem),
    key_file: write("server.key", server.keyPem),
    ca_file: write("ca.pem", ca.pem),
    timeout,
    ...more,
  });
  const users = (given: object, timeout: number): object => ({ authorization: { timeout, users: [given] } });
  const config = (kind: FloodServerKind, timeout: number): string => {
    switch (kind) {
      case "password":
        return JSON.stringify(users({ user: INSIDER.user, password: INSIDER.pass }, timeout));
      case "bcrypt":
        return JSON.stringify(users({ user: INSIDER.user, password: BCRYPT_PW }, timeout));
      case "nkey":
        return JSON.stringify(users({ nkey: user.getPublicKey() }, timeout));
      case "operator":
        return `${operatorConfig}\nauthorization { timeout: ${timeout} }`;
      case "callout":
        return JSON.stringify({
          accounts: { AUTH: { users: [{ user: INSIDER.user, password: INSIDER.pass }] } },
          authorization: {
            timeout,
            auth_callout: {
              issuer: createAccount().getPublicKey(),
              account: "AUTH",
              auth_users: [INSIDER.user],
            },
          },
        });
      case "tls":
        return JSON.stringify({
          ...users({ user: INSIDER.user, password: INSIDER.pass }, timeout),
          tls: tls(timeout, {}),
          allow_non_tls: true,
        });
      case "mutual":
        return JSON.stringify({ tls: tls(timeout, { verify: true }) });
    }
  };
  const chain = certificateChain();
  return {
    target: {
      longJwt: await longJwt(),
      knownJwt,
      userNkey: user.getPublicKey(),
      chain: chain.map(({ pem }) => pem).join(""),
      chainKey: chain[0].keyPem,
    },
    config,
    configFile: (kind, timeout) => write(`${kind}.conf`, config(kind, timeout)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function operatorMode(
  user: ReturnType<typeof createUser>,
): Promise<{ readonly operatorConfig: string; readonly knownJwt: string }> {
  const [operator, account, system] = [createOperator(), createAccount(), createAccount()];
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
  const signer = { signer: operator };
  const [accountJwt, systemJwt] = [
    await encodeAccount("A", account, { limits }, signer),
    await encodeAccount("SYS", system, { limits }, signer),
  ];
  const operatorJwt = await encodeOperator("O", operator, { system_account: system.getPublicKey() });
  const preload = `{ ${account.getPublicKey()}: "${accountJwt}", ${system.getPublicKey()}: "${systemJwt}" }`;
  return {
    operatorConfig: `operator: "${operatorJwt}"\nresolver: MEM\nresolver_preload ${preload}`,
    knownJwt: await encodeUser("u", user, account),
  };
}

/** A token with as many tags as fit. */
async function longJwt(): Promise<string> {
  let [jwt, next] = ["", ""];
  const [user, account] = [createUser(), createAccount()];
  for (let count = 100; next.length < LONG_JWT_CHARS; count += 20) {
    jwt = next;
    next = await encodeUser("u", user, account, { tags: Array.from({ length: count }, (_, i) => `t${i}`) });
  }
  return jwt === "" ? next : jwt;
}

function certificateChain(): readonly TestCertificate[] {
  const chain: TestCertificate[] = [];
  let ca = makeCa("A0");
  for (let i = 1; i < CHAIN_CERTIFICATES; i++) {
    chain.unshift(ca);
    ca = makeCa(`A${i}`, ca);
  }
  return [makeCertificate({ subject: [[["CN", "mallory"]]], ca }), ca, ...chain].slice(0, CHAIN_CERTIFICATES);
}
