/** TLS: who gets a handshake when, and whom a certificate stands for: the same as with the reference server. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { ConnectionOptions } from "node:tls";
import {
  compareAuth,
  type LogDifferences,
  type Login,
  type Play,
  UNPROVEN_USER,
} from "./support/auth-stage.ts";
import {
  type CertificateOptions,
  makeCa,
  makeCertificate,
  type TestCertificate,
} from "./support/certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "caddis-tls-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const ca = makeCa();
const otherCa = makeCa("Other CA");

function write(name: string, certificate: TestCertificate): string {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  writeFileSync(cert, certificate.pem);
  writeFileSync(key, certificate.keyPem);
  return `cert_file: "${cert}", key_file: "${key}"`;
}

const server = write("server", makeCertificate({ ca, dns: ["localhost"], ips: ["127.0.0.1"] }));
writeFileSync(join(folder, "ca.pem"), ca.pem);
const trusted = `${server}, ca_file: "${join(folder, "ca.pem")}"`;

/** A client with a certificate of its own. */
function holder(
  options: CertificateOptions = {},
): ConnectionOptions & { readonly certificate: TestCertificate } {
  const certificate = makeCertificate({ ca, subject: [[["CN", "alice"]]], ...options });
  return { cert: certificate.pem, key: certificate.keyPem, certificate };
}

const alice = holder();
const ANYBODY: ConnectionOptions = {};

const login =
  (how: Login): Play =>
  async (stage) => {
    // What makes the chain whole comes from the authorities that the server trusts.
    stage.leaveOut(/,\{"subject":"CN=Test CA","cert_sha256":"\w+"\}/, "ours shows the chain up to its root");
    await stage.login("A", how);
  };
const secured = (tls: ConnectionOptions, connect: object = {}): Play =>
  login({ tls, connect: { ...connect } });
const first = (tls: ConnectionOptions, connect: object = {}): Play =>
  login({ tls, isTlsFirst: true, connect: { ...connect } });

const unproven =
  (tls: ConnectionOptions, connect: object): Play =>
  async (stage) => {
    stage.leaveOut(...UNPROVEN_USER);
    await stage.login("A", { tls, connect: { ...connect } });
  };

/** Sends plain protocol to a port where TLS is due, and waits for the end. */
const plain: Play = async (stage) => {
  (await stage.open("A")).send('CONNECT {"verbose":false}\r\nPING\r\n');
  await stage.ends("A");
};

const HANDSHAKES: LogDifferences = [
  [/TLS handshake (error|timeout)/, "each TLS library has words of its own"],
  [/^(another user in CONNECT|somebody with a password)/, "ours names whom CONNECT names"],
];

compareAuth(
  "TLS",
  `tls { ${server}, timeout: 5 }`,
  {
    "a handshake": secured(ANYBODY),
    "with a certificate that nobody asked for": secured(alice),
    "with TLS 1.2": secured({ maxVersion: "TLSv1.2" }),
    "with TLS 1.1": secured({ maxVersion: "TLSv1.1", minVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" }),
    none: plain,
  },
  HANDSHAKES,
);

compareAuth(
  "TLS with a password",
  `tls { ${server}, timeout: 5 }\nauthorization { user: u, password: p, timeout: 30 }`,
  {
    right: secured(ANYBODY, { user: "u", pass: "p" }),
    wrong: secured(ANYBODY, { user: "u", pass: "x" }),
  },
  HANDSHAKES,
);

compareAuth(
  "TLS for those who want it",
  `tls { ${server}, timeout: 0.3 }\nallow_non_tls: true\nauthorization { token: t }`,
  {
    "a handshake": secured(ANYBODY, { auth_token: "t" }),
    "a handshake, and a wrong token": secured(ANYBODY, { auth_token: "x" }),
    "in the clear": login({ connect: { auth_token: "t" } }),
    "in the clear, and a wrong token": login({ connect: { auth_token: "x" } }),
    silence: async (stage) => {
      await stage.open("A");
      await stage.ends("A");
    },
  },
  HANDSHAKES,
);

compareAuth(
  "TLS that is too slow",
  `tls { ${server}, timeout: 0.2 }`,
  {
    silence: async (stage) => {
      await stage.open("A");
      await stage.ends("A");
    },
    "half of a handshake": async (stage) => {
      (await stage.open("A")).send("\x16\x03\x01");
      await stage.ends("A");
    },
  },
  HANDSHAKES,
);

compareAuth(
  "the handshake first",
  `tls { ${server}, timeout: 5, handshake_first: true }`,
  {
    "as it should be": first(ANYBODY),
    "with TLS 1.2": first({ maxVersion: "TLSv1.2" }),
  },
  HANDSHAKES,
);

compareAuth(
  "the handshake first, or after a while",
  `tls { ${server}, timeout: 5, handshake_first: "250ms" }`,
  {
    first: first(ANYBODY),
    "after INFO": secured(ANYBODY),
    never: plain,
  },
  HANDSHAKES,
);

compareAuth(
  "the handshake first, by default",
  `tls { ${server}, timeout: 5, handshake_first: auto }`,
  {
    first: first(ANYBODY),
    "after INFO": secured(ANYBODY),
  },
  HANDSHAKES,
);

compareAuth(
  "the handshake first, for those who want it",
  `tls { ${server}, timeout: 5, handshake_first: "100ms" }\nallow_non_tls: true`,
  { first: first(ANYBODY), "after INFO": secured(ANYBODY), never: login({}) },
  HANDSHAKES,
);

compareAuth(
  "certificates of clients",
  `tls { ${trusted}, verify: true, timeout: 5 }`,
  {
    "a good one": secured(alice),
    "a good one, with TLS 1.2": secured({ ...alice, maxVersion: "TLSv1.2" }),
    none: secured(ANYBODY),
    "none, with TLS 1.2": secured({ maxVersion: "TLSv1.2" }),
    "by another authority": secured(holder({ ca: otherCa })),
    "by itself": secured(holder({ ca: null })),
    expired: secured(holder({ days: -1 })),
    "not for clients": secured(holder({ extendedKeyUsage: ["1.3.6.1.5.5.7.3.1"] })),
  },
  HANDSHAKES,
);

const pinned = createHash("sha256")
  .update(alice.certificate.publicKey.export({ type: "spki", format: "der" }))
  .digest("hex");

compareAuth(
  "pinned certificates",
  `tls { ${trusted}, verify: true, timeout: 5, pinned_certs: ["${pinned}"] }`,
  {
    "one of them": secured(alice),
    "another one": secured(holder()),
  },
  HANDSHAKES,
);

const MAPPED = [
  "alice@mail.test",
  "dns.alice.test",
  "spiffe://alice.test/x",
  "CN=dn,OU=unit,O=org",
  "O=reordered,OU=unit,CN=dn2",
  "CN=dc,OU=unit,DC=example,DC=com",
  "CN=plain",
];
const users = MAPPED.map((name) => `{ user: "${name}" }`).join("\n");
const named = (...rdns: [string, string][]): CertificateOptions => ({ subject: rdns.map((rdn) => [rdn]) });

const limited = holder(named(["CN", "limited"]));

compareAuth(
  "users by their certificates",
  `tls { ${trusted}, verify_and_map: true, timeout: 5 }
  authorization { timeout: 30, users: [ ${users}
    { user: "CN=web", allowed_connection_types: [WEBSOCKET] }
    { user: "CN=secret", password: p }
    { user: "CN=limited", permissions: { publish: "a" } }
  ] }`,
  {
    "an address": secured(holder({ emails: ["alice@mail.test"] })),
    "a second address": secured(holder({ emails: ["x@mail.test", "alice@mail.test"] })),
    "a host name": secured(holder({ dns: ["x.test", "dns.alice.test"] })),
    "a URI": secured(holder({ uris: ["spiffe://alice.test/x"] })),
    "an address before a host name": secured(
      holder({ emails: ["alice@mail.test"], dns: ["dns.alice.test"] }),
    ),
    "a name": secured(holder(named(["O", "org"], ["OU", "unit"], ["CN", "dn"]))),
    "a name in another order": secured(holder(named(["O", "reordered"], ["CN", "dn2"], ["OU", "unit"]))),
    "a name with a domain": secured(
      holder(named(["DC", "com"], ["DC", "example"], ["OU", "unit"], ["CN", "dc"])),
    ),
    "only a common name": secured(holder(named(["CN", "plain"]))),
    "part of a name": secured(holder(named(["O", "org"], ["CN", "dn"]))),
    "a name and more": secured(holder(named(["O", "org"], ["OU", "unit"], ["OU", "more"], ["CN", "dn"]))),
    nobody: secured(holder(named(["CN", "nobody"]))),
    "nobody by address, somebody by name": secured(
      holder({ ...named(["CN", "plain"]), emails: ["x@mail.test"], dns: ["x.test"] }),
    ),
    "for another connection type": secured(holder(named(["CN", "web"]))),
    "somebody with a password": unproven(holder(named(["CN", "secret"])), {}),
    "somebody with a password, given": secured(holder(named(["CN", "secret"])), { pass: "p" }),
    "another user in CONNECT": unproven(holder(named(["CN", "plain"])), { user: "CN=secret", pass: "p" }),
    "with permissions": async (stage) => {
      await login({ tls: limited })(stage);
      await stage.say("A", "PUB a 0\r\n\r\nPUB b 0\r\n\r\n");
    },
    "no certificate": secured(ANYBODY),
    "by another authority": secured(holder({ ...named(["CN", "plain"]), ca: otherCa })),
  },
  HANDSHAKES,
);
