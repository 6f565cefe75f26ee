import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { dnKey, parseDn, subjectDn, unorderedDnKey } from "./certificate-dn.ts";

const parsed = (text: string): string[] | undefined =>
  parseDn(text)?.map((rdn) => rdn.map(({ type, value }) => `${type}:${value}`).join("+"));

const key = (text: string): string => {
  const dn = parseDn(text);
  assert.ok(dn !== null, text);
  return dnKey(dn);
};

const unorderedKey = (text: string): string => {
  const dn = parseDn(text);
  assert.ok(dn !== null, text);
  return unorderedDnKey(dn);
};

test("names are parsed as RFC 4514 writes them", () => {
  assert.deepEqual(parsed("UID=jsmith,DC=example,DC=net"), ["UID:jsmith", "DC:example", "DC:net"]);
  assert.deepEqual(parsed("OU=Sales+CN=J. Smith,DC=net"), ["OU:Sales+CN:J. Smith", "DC:net"]);
  assert.deepEqual(parsed(String.raw`cn=Jim\2C \22Hasse Hö\22 Hansson!,dc=com`), [
    'cn:Jim, "Hasse Hö" Hansson!',
    "dc:com",
  ]);
  assert.deepEqual(parsed(String.raw`CN=Lu\C4\8Di\C4\87`), ["CN:Lučić"]);
  assert.deepEqual(parsed(String.raw`CN=a\,b\+c\=d\\\"\;\<\>`), [String.raw`CN:a,b+c=d\";<>`]);
  assert.deepEqual(parsed("CN=😀,O=é"), ["CN:😀", "O:é"]);
});

test("an equals sign in a value is a character like others", () => {
  assert.deepEqual(parsed("CN=a=b=#c,O=x"), ["CN:a=b=#c", "O:x"]);
});

test("spaces around types and values don't count unless escaped", () => {
  assert.deepEqual(parsed("   A   =   1 2   ,   B   =   2   "), ["A:1 2", "B:2"]);
  const escaped = String.raw`   \ A\    =   \ \ 1\ \    +   B=2`;
  assert.deepEqual(parsed(escaped), [" A :  1  +B:2"]);
});

test("what is no name is refused", () => {
  const bad = [
    "",
    "   ",
    "*",
    "alice",
    "CN",
    "CN=",
    "=x",
    "CN=a,",
    "CN=a,O=",
    "CN=,O=a",
    "CN=a+,O=b",
    ",CN=a",
  ];
  const escapes = [
    String.raw`cn=Jim\0Test`,
    String.raw`cn=Jim\0`,
    "cn=Jim\\",
    String.raw`CN=\FF`,
    "CN=#0402",
  ];
  for (const text of [...bad, ...escapes, "test,DC=com", "=test,DC=com"])
    assert.equal(parseDn(text), null, text);
});

test("types are compared without regard to case, values with", () => {
  assert.equal(key("o=A,dc=b"), key("O=A,DC=b"));
  assert.notEqual(key("o=a"), key("O=A"));
  assert.notEqual(key("cn=John  Doe"), key("cn=John Doe"));
  assert.notEqual(key("\u212A=a"), key("k=a"));
});

test("the order of relative names counts, that of attributes in one does not", () => {
  assert.equal(key("o=A+o=B,c=C"), key("O=B+o=A,c=C"));
  assert.notEqual(key("o=A,o=B"), key("o=B,o=A"));
  assert.notEqual(key("o=A+o=B"), key("o=A,o=B"));
  assert.notEqual(key("o=A+o=B"), key("O=B+o=A+O=B"));
  assert.notEqual(key("o=A+o=A+o=B"), key("o=A+o=B+o=B"));
});

test("in any order, names are equal that have the same relative names", () => {
  assert.equal(unorderedKey("CN=a,O=b+OU=d,DC=c"), unorderedKey("DC=c,CN=a,OU=d+O=b"));
  assert.notEqual(unorderedKey("CN=a,O=b"), unorderedKey("CN=a,O=c"));
  assert.notEqual(unorderedKey("CN=a,O=b"), unorderedKey("CN=a"));
});

test("CVE-2026-33248: a repeated relative name does not stand for another one", () => {
  assert.notEqual(unorderedKey("CN=Alice,CN=Alice,O=NATS"), unorderedKey("CN=Alice,O=NATS,OU=Users"));
  assert.notEqual(unorderedKey("CN=Alice,O=NATS,OU=Users"), unorderedKey("CN=Alice,CN=Alice,O=NATS"));
  assert.notEqual(unorderedKey("CN=A,CN=A,O=B"), unorderedKey("CN=A,O=B,O=B"));
});

test("keys are equal exactly for the same relative names", () => {
  const attribute = fc.tuple(
    fc.constantFrom("CN", "O", "cn"),
    fc.constantFrom("a", 'b"', "],[", "a,b", "\\"),
  );
  const dn = fc.array(fc.array(attribute, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });
  const text = (value: string): string => value.replace(/[,+"\\<>;=]/g, String.raw`\$&`);
  const spell = (rdns: [string, string][][]): string =>
    rdns.map((rdn) => rdn.map(([type, value]) => `${type}=${text(value)}`).join("+")).join(",");
  /** Takes equal relative names out of both one by one, as one would on paper. */
  const matches = (a: [string, string][][], b: [string, string][][]): boolean => {
    const canonical = (rdn: [string, string][]): string =>
      rdn
        .map(([type, value]) => `${type.toUpperCase()}\0${value}`)
        .toSorted()
        .join("\0\0");
    const rest = b.map(canonical);
    for (const rdn of a.map(canonical)) {
      const at = rest.indexOf(rdn);
      if (at < 0) return false;
      rest.splice(at, 1);
    }
    return rest.length === 0;
  };
  fc.assert(
    fc.property(dn, dn, fc.boolean(), (a, b, isShuffled) => {
      const other = isShuffled ? a.toReversed().map((rdn) => rdn.toReversed()) : b;
      assert.equal(unorderedKey(spell(a)) === unorderedKey(spell(other)), matches(a, other));
    }),
  );
});

test("texts of any kind are parsed or refused", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("CN", "=", ",", "+", "\\", " ", "#", "a0", "é", "\ud83d") }),
      (text) => {
        const dn = parseDn(text);
        assert.ok(dn === null || dn.flat().every(({ type, value }) => type !== "" && value !== ""));
      },
    ),
  );
});

test("a subject is the name in reverse", () => {
  const subject = [[{ oid: "2.5.4.6", value: "DE" }], [], [{ oid: "2.5.4.3", value: "a" }]];
  assert.deepEqual(subjectDn(subject), [[{ type: "CN", value: "a" }], [{ type: "C", value: "DE" }]]);
});

test("a subject of nothing, or with an unknown attribute, is no name", () => {
  assert.equal(subjectDn([]), null);
  assert.equal(subjectDn([[]]), null);
  assert.equal(subjectDn([[{ oid: "2.5.4.3", value: "a" }], [{ oid: "1.2.3", value: "b" }]]), null);
});
