/** The security advisories of 2026 about nats-server (https://advisories.nats.io) that concern TLS: see `advisories.test.ts`. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { AttackedServer, connectLine } from "./support/attacked-server.ts";
import { type Attribute, makeCa, makeCertificate, type TestCertificate } from "./support/certificates.ts";
import { tempFolder, writePair } from "./support/tls-pipes.ts";

const DEADLINE = { timeout: 20_000 };
const CA = makeCa();
const SERVER = makeCertificate({ ca: CA, dns: ["localhost"], ips: ["127.0.0.1"] });

/** A server that shakes hands first and takes the user from the client's certificate. */
async function startMapping(t: TestContext, users: readonly string[]): Promise<AttackedServer> {
  const folder = tempFolder(t);
  const ca_file = join(folder, "ca.pem");
  writeFileSync(ca_file, CA.pem);
  const { cert_file, key_file } = writePair(folder, "server", SERVER);
  const tls = { cert_file, key_file, ca_file, verify_and_map: true, handshake_first: true };
  const config = { tls, authorization: { users: users.map((user) => ({ user })) } };
  return AttackedServer.start(t, JSON.stringify(config));
}

interface Talk {
  readonly said: string;
  readonly socket: TLSSocket;
  /** The last session that was given out to be resumed; undefined: none. */
  session(): Buffer | undefined;
}

/** What the server says to a client with this certificate until it answers a PING or hangs up. */
async function talk(
  t: TestContext,
  port: number,
  certificate: TestCertificate,
  more: ConnectionOptions = {},
): Promise<Talk> {
  const socket = connect({
    port,
    host: "127.0.0.1",
    ca: CA.pem,
    cert: certificate.pem,
    key: certificate.keyPem,
    ...more,
  });
  t.after(() => socket.destroy());
  socket.on("error", () => undefined);
  let said = "";
  let session: Buffer | undefined;
  socket.on("session", (given: Buffer) => (session = given));
  const closed = once(socket, "close");
  const answered = new Promise<void>((resolve) => {
    socket.setEncoding("latin1").on("data", (text: string) => {
      said += text;
      if (said.includes("PONG\r\n")) resolve();
    });
  });
  socket.write(`${connectLine()}PING\r\n`);
  await Promise.race([answered, closed]);
  return { said, socket, session: () => session };
}

/** One RDN after the other, as the certificate has them: the most general one first. */
type Subject = readonly (readonly Attribute[])[];

const ALICE: Subject = [[["OU", "Users"]], [["O", "NATS"]], [["CN", "Alice"]]];

/** Subjects that share something with Alice's, and are not hers. */
const OTHERS: readonly (readonly [what: string, subject: Subject])[] = [
  ["a name twice in place of another", [[["O", "NATS"]], [["CN", "Alice"]], [["CN", "Alice"]]]],
  ["another name twice", [[["OU", "Users"]], [["OU", "Users"]], [["CN", "Alice"]]]],
  ["one name less", [[["O", "NATS"]], [["CN", "Alice"]]]],
  ["one name more", [...ALICE, [["L", "x"]]]],
  ["two names in one", [[["OU", "Users"]], [["CN", "Alice,O=NATS"]]]],
  ["all names in one", [[["CN", "Alice,O=NATS,OU=Users"]]]],
  ["an escape in place of a separator", [[["OU", "Users"]], [["CN", String.raw`Alice\,O=NATS`]]]],
  [
    "names bound together",
    [
      [
        ["O", "NATS"],
        ["OU", "Users"],
      ],
      [["CN", "Alice"]],
    ],
  ],
  ["another case", [[["OU", "Users"]], [["O", "nats"]], [["CN", "Alice"]]]],
  ["a byte NUL behind it", [[["OU", "Users"]], [["O", "NATS"]], [["CN", "Alice\0"]]]],
  ["a type that is not known", [...ALICE, [["UID", "mallory"]]]],
];

test(
  "2026-13 (CVE-2026-33248): a certificate stands for the user that all of its subject names, and for no other",
  DEADLINE,
  async (t) => {
    const server = await startMapping(t, ["CN=Alice,O=NATS,OU=Users"]);
    const issue = (subject: Subject): TestCertificate => makeCertificate({ subject, ca: CA });
    const alice = await talk(t, server.port, issue(ALICE));
    assert.match(alice.said, /PONG\r\n/, "Alice comes in");
    for (const [what, subject] of OTHERS) {
      const { said } = await talk(t, server.port, issue(subject));
      assert.match(said, /-ERR 'Authorization Violation'\r\n$/, what);
    }
  },
);

test(
  "2026-01 (CVE-2025-68121): no session is resumed, so that no one gets past the authorities of today",
  DEADLINE,
  async (t) => {
    const server = await startMapping(t, ["CN=Alice"]);
    const certificate = makeCertificate({ subject: [[["CN", "Alice"]]], ca: CA });
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const options = { minVersion: version, maxVersion: version } as const;
      const first = await talk(t, server.port, certificate, options);
      assert.match(first.said, /PONG\r\n/);
      // With TLS 1.3 there is one only after a ticket, of which there must be none.
      const session = version === "TLSv1.2" ? first.socket.getSession() : first.session();
      first.socket.destroy();
      if (session === undefined) continue;
      const second = await talk(t, server.port, certificate, { ...options, session });
      assert.match(second.said, /PONG\r\n/);
      assert.equal(second.socket.isSessionReused(), false, version);
    }
  },
);
