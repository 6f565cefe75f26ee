import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { tokenCount, toWireString } from "./subject.ts";
import { checkDestination, SubjectTransform, TransformError } from "./transform.ts";
import type { TransformRandom } from "./transform-part.ts";

/** Gives the largest number allowed and remembers what was asked. */
function largest(): TransformRandom & { readonly asked: number[] } {
  const asked: number[] = [];
  return { asked, below: (below) => (asked.push(below), below - 1) };
}

const noChance: TransformRandom = {
  below: () => assert.fail("nothing here is random"),
};

function compiled(source: string, destination: string): SubjectTransform {
  const transform = SubjectTransform.compile(source, destination);
  assert.ok(transform instanceof SubjectTransform, `${source} to ${destination} compiles`);
  return transform;
}

function run(source: string, destination: string, subject: string): string {
  return compiled(source, destination).transform(subject, noChance);
}

/** What `destination` makes of one wildcard's value. */
function ofToken(destination: string, value: string): string {
  const result = run("in.*", `out.${destination}`, `in.${value}`);
  assert.ok(result.startsWith("out."), `${destination} of ${value}`);
  return result.slice("out.".length);
}

function errorOf(result: SubjectTransform | TransformError | null): string {
  assert.ok(result instanceof TransformError, "an error was expected");
  return result.message;
}

test("wildcards are repeated in any order and number", () => {
  assert.equal(run("foo.*.*", "bar.$2.x.$1", "foo.a.b"), "bar.b.x.a");
  assert.equal(run("foo.*.*", "{{wildcard(2)}}.$2", "foo.a.b"), "b.b");
  assert.equal(run("foo.*", "bar", "foo.a"), "bar");
  assert.equal(run("foo.*", "bar.{{ Wildcard ( 1 ) }}", "foo.a"), "bar.a");
  assert.equal(run("foo.*", "bar.$+1.$01", "foo.a"), "bar.a.a");
  // Numbers below one stand for the first token of the subject.
  assert.equal(run("foo.*", "bar.$0.$-1.{{wildcard(0)}}", "foo.a"), "bar.foo.foo.foo");
});

test("what is not a wildcard stands for itself", () => {
  const texts = ["$", "$x", "$1x", "$SYS", "$99999999999999999999", "x{{wildcard(1)}}", "{{wildcard(1)}"];
  for (const text of [...texts, "{wildcard(1)}", "{{}}", "{{wildcard(1)}}x"]) {
    assert.equal(ofToken(text, "a"), text);
  }
  // A dot ends a token wherever it stands.
  assert.equal(ofToken("{{split(1,.)}}", "a"), "{{split(1,.)}}");
});

test("the rest goes where > stands", () => {
  assert.equal(run("foo.>", "bar.>", "foo.a.b"), "bar.a.b");
  assert.equal(run("foo.*.>", "bar.>", "foo.a.b.c"), "bar.b.c");
  assert.equal(run("foo.*.>", "$1.>", "foo.a.b.c"), "a.b.c");
  assert.equal(run("foo.>", ">", "foo.a.b"), "a.b");
  assert.equal(run(">", "bar.>", "a"), "bar.a");
  assert.equal(run(">", "bar.>", "a.b"), "bar.a.b");
  assert.equal(run(">", ">", "a.b"), "a.b");
  assert.equal(run("*.>", "{{split(1,-)}}.>", "-.b"), ".b");
});

test("wildcards of a subject stand for themselves: servers let clients publish to them", () => {
  assert.equal(run("foo.*", "bar.$1", "foo.*"), "bar.*");
});

test("a token is cut once", () => {
  assert.equal(ofToken("{{splitFromLeft(1,3)}}", "abcde"), "abc.de");
  assert.equal(ofToken("{{splitfromleft(1,3)}}", "abcd"), "abc.d");
  assert.equal(ofToken("{{SplitFromRight(1, 3)}}", "abcde"), "ab.cde");
  assert.equal(ofToken("{{SplitfromRight(1,3)}}", "abcd"), "a.bcd");
});

test("a token is cut into pieces", () => {
  assert.equal(ofToken("{{sliceFromLeft(1,3)}}", "abcdefgh"), "abc.def.gh");
  assert.equal(ofToken("{{slicefromleft(1,3)}}", "abcdef"), "abc.def");
  assert.equal(ofToken("{{SliceFromRight(1,3)}}", "abcdefgh"), "ab.cde.fgh");
  assert.equal(ofToken("{{slicefromright(1,1)}}", "abc"), "a.b.c");
});

test("the ends of a token are taken", () => {
  assert.equal(ofToken("{{left(1,3)}}", "abcd"), "abc");
  assert.equal(ofToken("{{Left(1,1)}}", "abcd"), "a");
  assert.equal(ofToken("{{right(1,3)}}", "abcd"), "bcd");
  assert.equal(ofToken("{{Right(1,1)}}", "abcd"), "d");
});

test("a size that a token does not have leaves it whole", () => {
  const functions = ["splitFromLeft", "splitFromRight", "sliceFromLeft", "sliceFromRight", "left", "right"];
  for (const name of functions) {
    for (const size of [-2_147_483_648, -1, 0, 4, 5, 2_147_483_647]) {
      assert.equal(ofToken(`{{${name}(1,${size})}}`, "abcd"), "abcd", `${name} ${size}`);
    }
  }
});

test("a token is split at a delimiter", () => {
  assert.equal(ofToken("{{split(1,-)}}", "a-b-c"), "a.b.c");
  assert.equal(ofToken("{{Split(1, -)}}", "a--b---c"), "a.b.c");
  assert.equal(ofToken("{{split(1,--)}}", "a-b--c"), "a-b.c");
  assert.equal(ofToken("{{split(1,-)}}", "-a-b-"), "a.b");
  assert.equal(ofToken("{{split(1,-)}}", "abc"), "abc");
  assert.equal(ofToken("{{split(1,b\rc)}}", "ab\rcd"), "a.d");
  // The reference's oddities: both are no valid subjects, hence reach nobody.
  assert.equal(ofToken("{{split(1,-)}}", "-"), "");
  assert.equal(ofToken("{{split(1,-)}}", "--a"), ".a");
});

test("without delimiter a token is split into characters, not bytes", () => {
  assert.equal(ofToken("{{split(1,)}}", "abc"), "a.b.c");
  const text = "a\u00e9\u20ac\ud55c\u{1f600}";
  assert.equal(ofToken("{{split(1,)}}", toWireString(text)), toWireString(Array.from(text).join(".")));
  // Overlong, surrogate and cut-off sequences are bytes.
  assert.equal(
    ofToken("{{split(1,)}}", "\xc0\x80\xed\xa0\x80\xe2\x82"),
    "\xc0.\x80.\xed.\xa0.\x80.\xe2.\x82",
  );
});

test("partition hashes its wildcards, or the whole subject", () => {
  // FNV-1a of 32 bits: "" 0x811c9dc5, "a" 0xe40c292c, "foobar" 0xbf9cf968.
  assert.equal(ofToken("{{partition(1000,1)}}", "a"), String(0xe40c292c % 1000));
  assert.equal(run("x.*.*", "{{partition(1000,1,2)}}", "x.foo.bar"), String(0xbf9cf968 % 1000));
  assert.equal(run("x.*.*", "{{partition(1000, 2, 1)}}", "x.bar.foo"), String(0xbf9cf968 % 1000));
  assert.equal(run("*", "x.{{Partition(1000)}}", "foobar"), `x.${0xbf9cf968 % 1000}`);
  assert.equal(run("*.*", "x.{{partition(1000)}}", "a.b"), "x.692");
  // A literal source offers its subject only, whatever the arguments say.
  assert.equal(run("a.b", "x.{{partition(1000)}}.{{partition(1000,7)}}", "a.b"), "x.692.692");
  assert.equal(ofToken("{{partition(0,1)}}", "a"), "0");
  // Negative counts wrap to 32 bits.
  assert.equal(ofToken("{{partition(-3,1)}}", "abc"), "440920331");
  assert.equal(ofToken("{{partition(-4294967295,1)}}", "abc"), "0");
});

test("random asks for a number below its bound", () => {
  const chance = largest();
  assert.equal(compiled("a.*", "b.{{random(10)}}").transform("a.x", chance), "b.9");
  assert.equal(compiled("a", "b.{{Random( 3 )}}").transform("a", chance), "b.2");
  assert.equal(compiled("a.>", "b.{{random(-5)}}.>").transform("a.x", chance), "b.4.x");
  assert.equal(compiled("a", "b.{{random(-4294967289)}}").transform("a", chance), "b.6");
  assert.deepEqual(chance.asked, [10, 3, 5, 7]);
  assert.equal(compiled("a", "b.{{random(0)}}").transform("a", noChance), "b.0");
});

test("partitions are in range, depend on the wildcards only, and all occur", () => {
  const token = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((c) => String.fromCharCode(c)) });
  const value = token.map((text) => `k${text.replaceAll(".", "-")}`);
  fc.assert(
    fc.property(value, value, value, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (a, b, c, count) => {
      const transform = compiled("in.*.*.*", `out.{{partition(${count},1,3)}}`);
      const number = Number(transform.transform(`in.${a}.${b}.${c}`, noChance).slice("out.".length));
      assert.ok(Number.isInteger(number) && number >= 0 && number < count);
      assert.equal(transform.transform(`in.${a}.${c}.${c}`, noChance), `out.${number}`);
    }),
  );
  const hit = new Set(Array.from({ length: 1_000 }, (_, i) => ofToken("{{partition(10,1)}}", `key${i}`)));
  assert.equal(hit.size, 10);
});

test("subjects that do not fit each other are refused", () => {
  for (const [source, destination] of [
    ["foo..bar", "bar"],
    ["foo.>.bar", "bar"],
    ["foo", ""],
    ["foo", "bar..baz"],
    ["foo.*", "bar.*"],
    ["foo.>", "bar"],
    ["foo", "bar.>"],
    ["foo.*", "bar.>"],
  ]) {
    assert.equal(errorOf(SubjectTransform.compile(source, destination)), "invalid subject");
  }
});

test("each wrong argument has the reference's error", () => {
  const of = (token: string): string => {
    const text = errorOf(SubjectTransform.compile("foo.*", `bar.${token}`));
    const [start, end] = ["invalid mapping destination: ", ` in ${token}`];
    assert.ok(text.startsWith(start) && text.includes(end), text);
    return text.slice(start.length).replace(end, "");
  };
  const two = [
    "splitFromLeft",
    "splitFromRight",
    "sliceFromLeft",
    "sliceFromRight",
    "left",
    "right",
    "split",
  ];
  for (const call of ["wildcard()", ...two.map((name) => `${name}(1)`), "left()", "random(1,2)"]) {
    assert.equal(of(`{{${call}}}`), "not enough arguments passed to the function", call);
  }
  for (const call of ["wildcard(1,1)", ...two.map((name) => `${name}(1,1,1)`)]) {
    assert.equal(of(`{{${call}}}`), "too many arguments passed to the function", call);
  }
  const wrong = [
    "wildcard(x)",
    "wildcard(\t1)",
    "wildcard(1))",
    "partition()",
    "partition(3,)",
    "partition(x,1)",
  ];
  const large = [
    "partition(2147483648)",
    "random(2147483648)",
    "left(1,2147483648)",
    "right(1,-2147483649)",
    "random()",
    "random(0x1)",
  ];
  const names = ["split(x,-)", "split(1,- )", "left(x,1)", "left(1,x)", "random(9223372036854775808)"];
  for (const call of [
    ...wrong,
    ...large,
    ...names,
    "wildcard(9223372036854775808)",
    "random(-9223372036854775809)",
  ]) {
    assert.equal(of(`{{${call}}}`), "function argument is invalid or in the wrong format", call);
  }
  for (const call of ["unknown(1)", "WILDCARD(1)", "wildcard", "x", "wildcard(\n1)"]) {
    assert.equal(of(`{{${call}}}`), "unknown function", call);
  }
  for (const token of ["$2", "{{wildcard(2)}}", "{{partition(3,2)}}", "{{left(2,1)}}", "{{split(2,-)}}"]) {
    assert.equal(of(token), "wildcard index out of range: [2]", token);
  }
});

test("only the space of ASCII may surround a name", () => {
  assert.equal(ofToken("{{\t\n\f\r wildcard\t(1)\r}}", "a"), "a");
  for (const space of ["\v", "\xa0"]) {
    const result = SubjectTransform.compile("foo.*", `{{${space}wildcard(1)}}`);
    assert.ok(result instanceof TransformError);
    assert.equal(result.reason, "invalid mapping destination: unknown function");
  }
});

test("a source without wildcards takes random and partition only", () => {
  for (const token of ["$1", "$0", "{{wildcard(1)}}", "{{left(1,1)}}", "{{split(1,-)}}"]) {
    assert.equal(
      errorOf(SubjectTransform.compile("foo", `bar.${token}`)),
      `invalid mapping destination: wildcard index out of range in ${token}`,
    );
  }
  assert.ok(
    SubjectTransform.compile("foo", "bar.{{random(3)}}.{{partition(3)}}") instanceof SubjectTransform,
  );
});

test("two calls in one token mean the first in a fixed order of functions", () => {
  assert.equal(ofToken("{{split(1,-)}}{{wildcard(1)}}", "a-b"), "a-b");
  assert.equal(ofToken("{{random(x)}}{{left(1,1)}}", "ab"), "a");
  assert.equal(ofToken("{{left(1,x)}}{{right(1,1)}}", "ab"), "b");
  assert.equal(
    errorOf(SubjectTransform.compile("foo.*", "{{wildcard(1)}}{{wildcard(1)}}")),
    "invalid mapping destination: function argument is invalid or in the wrong format in {{wildcard(1)}}{{wildcard(1)}}",
  );
});

test("a mapping's destination is checked by itself", () => {
  const invalid = "invalid mapping destination: invalid transform";
  for (const destination of [
    "",
    ".",
    "bar..baz",
    ".bar",
    "bar.",
    "b ar",
    "bar.\t.x",
    "a\n",
    "a\f",
    "{{split(1, .)}}",
  ]) {
    assert.equal(errorOf(checkDestination(destination)), invalid, JSON.stringify(destination));
  }
  assert.equal(errorOf(checkDestination(">.bar")), `${invalid} in bar`);
  assert.equal(
    errorOf(checkDestination("a.{{caf\xc3\xa9}}")),
    "invalid mapping destination: unknown function in {{caf\u00e9}}",
  );
  for (const destination of ["bar", "bar.>", "bar.*", "$1", "{{wildcard(x )}}", "{{}}", "{{split(1,.)}}"]) {
    assert.equal(checkDestination(destination), null, destination);
  }
});

test("no destination makes more than a few times the bytes it was given", () => {
  const subject = `in.${"x".repeat(4_000)}`;
  for (const call of ["sliceFromLeft(1,1)", "sliceFromRight(1,1)", "split(1,)"]) {
    const result = compiled("in.*", `{{${call}}}`).transform(subject, noChance);
    assert.equal(tokenCount(result), 4_000);
    assert.equal(result.length, 7_999);
  }
});
