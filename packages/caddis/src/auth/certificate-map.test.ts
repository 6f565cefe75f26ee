import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Attribute,
  type CertificateOptions,
  makeCertificate,
} from "../../../../test/support/certificates.ts";
import { CertificateMap, subjectText } from "./certificate-map.ts";
import { readCertificateNames } from "./certificate-names.ts";

type Rdns = readonly (readonly Attribute[])[];

const ALICE: Rdns = [[["C", "DE"]], [["O", "NATS"]], [["CN", "alice"]]];

/** Which of `users` a certificate stands for. */
function mapped(
  options: CertificateOptions,
  users: readonly string[],
  isEligible: (user: string) => boolean = () => true,
): string | null {
  const names = readCertificateNames(makeCertificate(options).der);
  assert.ok(names !== null);
  return new CertificateMap(new Map(users.map((user) => [user, user]))).find(names, isEligible);
}

const textOf = (subject: Rdns): string | undefined => {
  const names = readCertificateNames(makeCertificate({ subject }).der);
  return names === null ? undefined : subjectText(names.subject);
};

const bySubject = (subject: Rdns, ...users: string[]): string | null => mapped({ subject }, users);

test("email addresses go before DNS names, those before URIs, those before the subject", () => {
  const options = { subject: ALICE, emails: ["x@y.z", "a@b.c"], dns: ["host"], uris: ["spiffe://a/b"] };
  const users = ["CN=alice,O=NATS,C=DE", "spiffe://a/b", "host", "a@b.c"];
  assert.equal(mapped(options, users), "a@b.c");
  assert.equal(mapped(options, users.slice(0, 3)), "host");
  assert.equal(mapped(options, users.slice(0, 2)), "spiffe://a/b");
  assert.equal(mapped(options, users.slice(0, 1)), "CN=alice,O=NATS,C=DE");
  assert.equal(mapped(options, []), null);
});

test("a user who may not come this way is passed over", () => {
  const options = { subject: ALICE, emails: ["a@b.c"], dns: ["host"] };
  assert.equal(
    mapped(options, ["a@b.c", "host"], (user) => user !== "a@b.c"),
    "host",
  );
  const spellings = ["CN=alice, O=NATS, C=DE", "CN=alice,O=NATS,C=DE"];
  assert.equal(
    mapped(options, spellings, (user) => user === spellings[1]),
    spellings[1],
  );
  assert.equal(
    mapped(options, ["C=DE,CN=alice,O=NATS"], () => false),
    null,
  );
});

test("a name in order goes before the same in another order", () => {
  assert.equal(bySubject(ALICE, "C=DE,O=NATS,CN=alice", "CN=alice, O=NATS, C=DE"), "CN=alice, O=NATS, C=DE");
  assert.equal(bySubject(ALICE, "C=DE,O=NATS,CN=alice"), "C=DE,O=NATS,CN=alice");
});

test("relative names of several attributes stay together", () => {
  const subject: Rdns = [
    [["DC", "org"]],
    [
      ["O", "users"],
      ["DC", "DEV"],
    ],
    [["CN", "John Doe"]],
  ];
  assert.equal(bySubject(subject, "CN=John Doe,DC=DEV+O=users,DC=org"), "CN=John Doe,DC=DEV+O=users,DC=org");
  assert.equal(bySubject(subject, "DC=org,O=users+DC=DEV,CN=John Doe"), "DC=org,O=users+DC=DEV,CN=John Doe");
  assert.equal(bySubject(subject, "CN=John Doe,DC=DEV,O=users,DC=org"), null);
});

test("no part of a name is enough", () => {
  for (const user of [
    "alice",
    "CN=alice",
    "CN=alice,O=NATS",
    "O=NATS,C=DE",
    "cn=Alice,O=NATS,C=DE",
    "",
    "   ",
  ]) {
    assert.equal(bySubject(ALICE, user), null, user);
  }
});

test("a certificate without a subject stands for nobody whose name is nothing", () => {
  for (const user of ["   ", "CN=", ",", ""]) assert.equal(bySubject([], user), null, user);
});

test("CVE-2026-33248: a certificate maps only to the user that has each of its relative names as often", () => {
  const subject: Rdns = [[["OU", "Users"]], [["O", "NATS"]], [["CN", "Alice"]]];
  assert.equal(bySubject(subject, "CN=Alice,CN=Alice,O=NATS"), null);
  assert.equal(bySubject(subject, "O=NATS,O=NATS,CN=Alice"), null);
  assert.equal(
    bySubject([[["CN", "Alice"]], [["CN", "Alice"]], [["O", "NATS"]]], "O=NATS,CN=Alice,OU=Users"),
    null,
  );
  const repeated: Rdns = [
    [
      ["CN", "a"],
      ["CN", "a", Buffer.from("0c0161", "hex")],
      ["O", "b"],
    ],
  ];
  assert.equal(bySubject(repeated, "CN=a+O=b+O=b"), null);
  assert.equal(bySubject(subject, "OU=Users,CN=Alice,O=NATS"), "OU=Users,CN=Alice,O=NATS");
});

test("a subject is also looked up as the text that Go makes of it", () => {
  const subject: Rdns = [
    [["DC", "com"]],
    [["DC", "example"]],
    [["OU", "b"]],
    [["CN", "first"]],
    [["UID", "7"]],
    [["OU", "a"]],
    [["CN", "last"]],
    [["SERIALNUMBER", "1"]],
    [["STREET", "s"]],
    [["POSTALCODE", "p"]],
    [["L", "l"]],
    [["ST", "t"]],
    [["C", "DE"]],
    [["O", "o"]],
  ];
  const text = "SERIALNUMBER=1,CN=last,OU=b+OU=a,O=o,POSTALCODE=p,STREET=s,L=l,ST=t,C=DE";
  assert.equal(textOf(subject), text);
  assert.equal(bySubject(subject, text), text);
  assert.equal(bySubject(subject, text, `${text},DC=com,DC=example`), `${text},DC=com,DC=example`);
});

test("special characters are escaped in that text", () => {
  assert.equal(textOf([[["CN", ' #a,b+"c"\\<d>;= ']]]), String.raw`CN=\ #a\,b\+\"c\"\\\<d\>\;=\ `);
  assert.equal(textOf([[["CN", "#a #"]]]), String.raw`CN=\#a #`);
  assert.equal(textOf([[["CN", " "]]]), String.raw`CN=\ `);
});

test("a value that looks like more than one attribute is one", () => {
  assert.equal(bySubject([[["CN", "admin,O=NATS"]]], "CN=admin,O=NATS"), null);
  assert.equal(
    bySubject([[["DC", "com,DC=example"]], [["CN", "a"]], [["UID", "b"]]], "CN=a,DC=com,DC=example"),
    null,
  );
  assert.equal(bySubject([[["CN", "a+O=NATS"]]], "CN=a+O=NATS", "O=NATS+CN=a"), null);
});

test("alternative names of other kinds are none", () => {
  assert.equal(mapped({ subject: ALICE, ips: ["127.0.0.1"] }, ["127.0.0.1", "\x7f\0\0\x01"]), null);
});
