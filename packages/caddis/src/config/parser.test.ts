import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError } from "./config-error.ts";
import {
  EXPANSION_MAX,
  INCLUDE_DEPTH_MAX,
  parseConfig,
  TEXT_LENGTH_MAX,
  type ConfigSource,
} from "./parser.ts";
import { NESTING_DEPTH_MAX, type ConfigValue, type MapValue } from "./value.ts";

interface World {
  files?: Record<string, string>;
  env?: Record<string, string>;
}

function sourceOf({ files = {}, env = {} }: World): ConfigSource {
  return {
    file: "conf",
    env: (name) => env[name],
    resolvePath: (_file, path) => path,
    readFile: (path) => files[path] ?? throwError(`open ${path}: no such file or directory`),
  };
}

function throwError(message: string): never {
  throw new Error(message);
}

function parse(text: string, world: World = {}): MapValue {
  return parseConfig(text, sourceOf(world));
}

/** A tree without positions, as plain values; integers stay bigint, dates become `{ date }`. */
function plain(value: ConfigValue): unknown {
  switch (value.kind) {
    case "map":
      return Object.fromEntries([...value.entries.values()].map((entry) => [entry.key, plain(entry.value)]));
    case "array":
      return value.items.map(plain);
    case "datetime":
      return { date: value.value };
    default:
      return value.value;
  }
}

function read(text: string, world: World = {}): unknown {
  return plain(parse(text, world));
}

/** The message of the `ConfigError` that reading `text` throws. */
function problemOf(text: string, world: World = {}): string {
  try {
    parse(text, world);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return assert.fail(`${text} should not be read`);
}

describe("scalars", () => {
  const cases: [string, unknown][] = [
    ["5", 5n],
    ["-5", -5n],
    ["007", 7n],
    ["9223372036854775807", 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
    ["4k", 4000n],
    ["4K", 4000n],
    ["4kb", 4096n],
    ["4ki", 4096n],
    ["4KiB", 4096n],
    ["2m", 2_000_000n],
    ["2mb", 2_097_152n],
    ["1g", 10n ** 9n],
    ["1t", 10n ** 12n],
    ["1p", 10n ** 15n],
    ["1e", 10n ** 18n],
    ["1eb", 2n ** 60n],
    ["-1k", -1000n],
    ["1.5", 1.5],
    ["-1.5", -1.5],
    ["true", true],
    ["Yes", true],
    ["oN", true],
    ["FALSE", false],
    ["no", false],
    ["off", false],
    ["abc", "abc"],
    ["truex", "truex"],
    ["1m30s", "1m30s"],
    ["500ms", "500ms"],
    ["12abc", "12abc"],
    ["5%", "5%"],
    ["1.2.3.4", "1.2.3.4"],
    ["127.0.0.1:4222", "127.0.0.1:4222"],
    ["a#b", "a#b"],
    ["a//b", "a//b"],
    ["a=b:c{d[e(f)", "a=b:c{d[e(f)"],
    ['a\\tb\\x41\\\\\\"', 'a\tbA\\"'],
    ["$2a$11$abc", "$2a$11$abc"],
    ["\\x24x", "$x"],
    ["tr\\x75e", "true"],
    ['"a\\tb\\n\\r\\"\\\\\\x41"', 'a\tb\n\r"\\A'],
    ['"\\xe2\\x82\\xac"', "€"],
    ['"\\xff"', "\ufffd"],
    ['"two\nlines"', "two\nlines"],
    ['"$x"', "$x"],
    ["'raw \\n $x'", "raw \\n $x"],
    ['""', ""],
    ["(\nabc\n  ) no\n)", "\nabc\n  ) no\n"],
    ["(abc\n)", "abc\n"],
    ["(\n)", "\n"],
    ["(a\r\n)\r\n", "a\r\n"],
    ["日本", "日本"],
    ["null", "null"],
    ["2017-01-31T23:59:59Z", { date: "2017-01-31T23:59:59Z" }],
    ["", ""],
    [";", ""],
    [",", ""],
    ["#x", "#x"],
  ];
  for (const [spelling, value] of cases) {
    test(JSON.stringify(spelling), () => assert.deepEqual(read(`key: ${spelling}`), { key: value }));
  }
});

describe("entries and containers", () => {
  const cases: [string, unknown][] = [
    ["", {}],
    ["# nothing\n// at all", {}],
    ["\ufeffa: 1", { a: 1n }],
    ["a: 1", { a: 1n }],
    ["a = 1", { a: 1n }],
    ["a 1", { a: 1n }],
    ["a\n\n 1", { a: 1n }],
    ["a\n: 1", { a: 1n }],
    ["a: 1; b: 2, c: 3\nd: 4 # x\ne: 5 // y", { a: 1n, b: 2n, c: 3n, d: 4n, e: 5n }],
    ["a: 1\r\nb: 2\r\n", { a: 1n, b: 2n }],
    ["'a b': 1, \"c\\n\": 2", { "a b": 1n, "c\\n": 2n }],
    ["'a'1", { a: 1n }],
    ["a: 1\na: 2", { a: 2n }],
    ["{a: 1}", { a: 1n }],
    ['{\n"a": 1,\n"b": [true, null]\n}\n', { a: 1n, b: [true, "null"] }],
    ["{a: 1}\nb: 2", { a: 1n, b: 2n }],
    ["a: 1\n}", { a: 1n }],
    ["a {b 1}", { a: { b: 1n } }],
    ["a { # x\n b: 1 # }\n c: { d: [] }; e {} }", { a: { b: 1n, c: { d: [] }, e: {} } }],
    ["a: [1, 2\n3 # four\n]", { a: [1n, 2n, 3n] }],
    ["a: [1,\n\n2,\n]", { a: [1n, 2n] }],
    ["a: [[1], {b: c}, 'd', \"e\"]", { a: [[1n], { b: "c" }, "d", "e"] }],
    ["__proto__: 1", Object.fromEntries([["__proto__", 1n]])],
  ];
  for (const [text, value] of cases) test(JSON.stringify(text), () => assert.deepEqual(read(text), value));
});

describe("faults, with their places", () => {
  const end = "Expected a top-level value to end with a new line, comment or EOF,";
  const cases: [string, string][] = [
    ["a b c", `conf:1:4: ${end} but got 'c' instead.`],
    ["\n a: 1 \t2", `conf:2:8: ${end} but got '2' instead.`],
    ["a: 1.2.x", `conf:1:7: ${end} but got 'x' instead.`],
    ["a: 1.5s", `conf:1:6: ${end} but got 's' instead.`],
    ["a: -1a", `conf:1:5: ${end} but got 'a' instead.`],
    ["a: 'b' c", `conf:1:7: ${end} but got 'c' instead.`],
    ["a", 'conf:1:1: config is invalid: key "a" has no value'],
    ["a:\n1", "conf:1:2: Expected value but found new line"],
    [": 1", "conf:1:0: Unexpected key separator ':'"],
    ["\n, a: 1", "conf:2:1: Unexpected ',' where a key is expected"],
    ["a: 1;;", "conf:1:5: Unexpected ';' where a key is expected"],
    ["a: .5", "conf:1:3: Floats must start with a digit"],
    ["a: 4.", "conf:1:5: Floats must have a digit after the '.', but got the end of the text instead."],
    ["a: -", "conf:1:4: Expected a digit but got the end of the text."],
    ["a: -x", "conf:1:4: Expected a digit but got 'x'."],
    ["a: 9223372036854775808", "conf:1:3: integer '9223372036854775808' is out of the range"],
    ["a: 10eb", "conf:1:3: integer '10eb' is out of the range"],
    ["a: 2017-01-01", "conf:1:3: Expected an ISO8601 datetime such as 2026-01-31T12:00:00Z"],
    ["a: 1-2", "conf:1:3: All ISO8601 dates must be in full Zulu form."],
    ["a: 2017-02-30T00:00:00Z", "conf:1:3: expected Zulu formatted DateTime, but got '2017-02-30T00:00:00Z'"],
    ['a: "b', "conf:1:3: Unexpected EOF: this string has no closing quote."],
    ["a: 'b", "conf:1:3: Unexpected EOF: this string has no closing quote."],
    ["'a: 1", "conf:1:1: Unexpected EOF: this string has no closing quote."],
    ["a: it's", "conf:1:5: Unexpected ' inside a string without quotes"],
    ['a: "\\x4"', "conf:1:4: Expected two hexadecimal digits after '\\x', but got '4\"'"],
    ["a: (\n )\n", "conf:1:3: Unexpected EOF processing block: it ends with a line that is nothing but ')'."],
    ["a: b\0c", "conf:1:3: NUL bytes are not allowed"],
    ["a: {b: 1", "conf:1:3: Unexpected EOF: this '{' is not closed"],
    ["{b: 1", "conf:1:0: Unexpected EOF: this '{' is not closed"],
    ["a: [1", "conf:1:3: Unexpected EOF: this '[' is not closed"],
    ["a: 1\n}\nb: 2", "conf:2:1: Unexpected '}': no '{' is open"],
    [
      "a: {b: 1 c: 2}",
      'conf:1:9: Expected a map value terminator "," or a map terminator "}", but got \'c\' instead.',
    ],
    ["a: {b: }", "conf:1:7: Unexpected map value terminator '}'."],
    [
      "a: [1 2]",
      'conf:1:6: Expected an array value terminator "," or an array terminator "]", but got \'2\' instead.',
    ],
    ["a: [1,,2]", "conf:1:6: Unexpected array value terminator ','."],
    [
      "a: [include x]",
      'conf:1:12: Expected an array value terminator "," or an array terminator "]", but got \'x\' instead.',
    ],
    ["include", 'conf:1:7: config is invalid: key "include" has no value'],
    ["include\nx", "conf:1:7: Expected include value but found new line"],
    ["include x", "conf:1:0: error parsing include file 'x', open x: no such file or directory"],
    ["a: $b", "conf:1:0: variable reference for 'b' on line 1 can not be found"],
  ];
  for (const [text, problem] of cases)
    test(JSON.stringify(text), () => assert.equal(problemOf(text), problem));

  test("an invalid escape names the character", () => {
    assert.match(problemOf('a: "\\q"'), /^conf:1:5: Invalid escape character 'q'\. Only the following/);
  });
});

describe("positions", () => {
  test("a member stands where its key stands, an item where it begins", () => {
    const map = parse('a: 1\n  "b" {\n\tc: [x,\n y] }\n');
    const b = map.entries.get("b");
    assert.deepEqual(map.entries.get("a")?.at, { file: "conf", line: 1, column: 0 });
    assert.deepEqual(b?.at, { file: "conf", line: 2, column: 4 });
    assert.ok(b?.value.kind === "map");
    const c = b.value.entries.get("c");
    assert.deepEqual(c?.value.at, { file: "conf", line: 3, column: 2 });
    assert.ok(c?.value.kind === "array");
    assert.deepEqual(
      c.value.items.map((item) => [item.at?.line, item.at?.column]),
      [
        [3, 6],
        [4, 2],
      ],
    );
  });

  test("strings over several lines count them", () => {
    for (const text of [
      "a: 'x\ny'\nb: 1",
      'a: "x\ny"\nb: 1',
      "'a\nb': 1\nb: 1",
      "a: (x\n)\nb: 1",
      "# x\n# y\nb: 1",
    ]) {
      assert.deepEqual(parse(text).entries.get("b")?.at, { file: "conf", line: 3, column: 1 }, text);
    }
  });
});

describe("variables", () => {
  test("mean the nearest earlier key, enclosing blocks included", () => {
    assert.deepEqual(read("x: 1\na: $x\nb {x: 2, c: $x, d { e: $x }}\nf: [$x]"), {
      x: 1n,
      a: 1n,
      b: { x: 2n, c: 2n, d: { e: 2n } },
      f: [1n],
    });
  });

  test("are marked as used", () => {
    const map = parse("x: 1\ny: 2\na: $x\n");
    assert.equal(map.entries.get("x")?.usedAsVariable, true);
    assert.equal(map.entries.get("y")?.usedAsVariable, false);
  });

  test("do not see later keys, nor into blocks", () => {
    assert.match(problemOf("a: $x\nx: 1"), /for 'x' on line 1 can not be found$/);
    assert.match(problemOf("b {x: 1}\na: $x"), /^conf:2:1: .* can not be found$/);
  });

  test("stand for maps and lists too, at their own place", () => {
    const map = parse("x: {y: [1]}\na: $x");
    assert.deepEqual(plain(map), { x: { y: [1n] }, a: { y: [1n] } });
    assert.deepEqual(map.entries.get("a")?.value.at, { file: "conf", line: 2, column: 1 });
  });

  test("come from the environment, typed", () => {
    const env = { A: "5", B: "4k", C: '"5"', D: "[a, $A]", E: "true # c", F: "$2a$11$x", G: "", H: "{i: 1}" };
    const text = Object.keys(env).map((name) => `${name.toLowerCase()}: $${name}`);
    assert.deepEqual(read(text.join("\n"), { env }), {
      a: 5n,
      b: 4000n,
      c: "5",
      d: ["a", 5n],
      e: true,
      f: "$2a$11$x",
      g: "",
      h: { i: 1n },
    });
  });

  test("go before the environment when the file has them", () => {
    assert.deepEqual(read("A: 1\nb: $A", { env: { A: "2" } }), { A: 1n, b: 1n });
  });

  test("fail clearly when the environment's text is no value, or a cycle", () => {
    const problem = "conf:1:0: variable reference for 'A' on line 1 could not be parsed";
    assert.equal(
      problemOf("a: $A", { env: { A: "b c" } }),
      `${problem}: $A:1:2: Expected the value to end, but got 'c' instead.`,
    );
    assert.match(
      problemOf("a: $A", { env: { A: "5\nport: 6" } }),
      /Expected one value, but got 'p' behind it$/,
    );
    assert.match(problemOf("a: $A", { env: { A: "$B", B: "[$A]" } }), /variable reference cycle for 'A'$/);
  });

  test("in JSON, Helm's way", () => {
    const files = { "x.conf": "c: 3" };
    const text = '{\n "a": $A,\n include x.conf;\n "b": {"d": $A}\n}';
    assert.deepEqual(read(text, { files, env: { A: "1" } }), { a: 1n, c: 3n, b: { d: 1n } });
  });
});

describe("include", () => {
  const files = {
    "x.conf": "b: 2\nc: 3",
    "y y": "include x.conf; d: 4",
    self: "include self",
    bad: "\n\n  a: b c",
  };

  test("adds entries where it stands; a later key wins", () => {
    assert.deepEqual(read("b: 1\ninclude x.conf\nc: 4", { files }), { b: 2n, c: 4n });
    assert.deepEqual(read("a { include 'x.conf', b: 5 }", { files }), { a: { c: 3n, b: 5n } });
    assert.deepEqual(read('INCLUDE "y y"', { files }), { b: 2n, c: 3n, d: 4n });
    assert.deepEqual(read("{include x.conf}", { files }), { b: 2n, c: 3n });
  });

  test("is an ordinary key in quotes or before a separator", () => {
    assert.deepEqual(read("include: x"), { include: "x" });
    assert.deepEqual(read("'include' x"), { include: "x" });
    assert.deepEqual(read("included x"), { included: "x" });
  });

  test("keeps variables apart, but its keys are variables afterwards", () => {
    assert.match(
      problemOf("x: 1\ninclude f", { files: { f: "a: $x" } }),
      /^f:1:0: variable reference for 'x'/,
    );
    assert.deepEqual(read("include f\nb: $a", { files: { f: "a: 1" } }), { a: 1n, b: 1n });
  });

  test("reports faults where they are", () => {
    assert.match(problemOf("include bad", { files }), /^bad:3:8: Expected a top-level value/);
    assert.equal(problemOf("include self", { files }), "self:1:0: include 'self' includes itself");
  });

  test("resolves paths from the including file", () => {
    const asked: [string, string][] = [];
    const source = {
      ...sourceOf({ files: { "1": "include b", "2": "x: 1" } }),
      resolvePath: (file: string, path: string) => String(asked.push([file, path])),
    };
    assert.deepEqual(plain(parseConfig("include a", source)), { x: 1n });
    assert.deepEqual(asked, [
      ["conf", "a"],
      ["1", "b"],
    ]);
  });
});

describe("limits", () => {
  test("nesting", () => {
    const nested = (depth: number): string => `a: ${"[".repeat(depth)}${"]".repeat(depth)}`;
    assert.doesNotThrow(() => parse(nested(NESTING_DEPTH_MAX)));
    assert.match(problemOf(nested(NESTING_DEPTH_MAX + 1)), /nested deeper than 128$/);
    assert.match(problemOf(nested(1_000_000)), /nested deeper than 128$/);
    assert.match(problemOf(`a: ${"{a:".repeat(1_000_000)}`), /nested deeper than 128$/);
  });

  test("nesting by variables", () => {
    const lines = Array.from({ length: NESTING_DEPTH_MAX + 1 }, (_, i) => `v${i + 1}: [$v${i}]`);
    assert.match(problemOf(`v0: 1\n${lines.join("\n")}`), /nested deeper than 128$/);
  });

  test("include depth", () => {
    const chain = (length: number): Record<string, string> =>
      Object.fromEntries(
        Array.from({ length }, (_, i) => [`f${i}`, i + 1 < length ? `include f${i + 1}` : "a: 1"]),
      );
    assert.deepEqual(read("include f0", { files: chain(INCLUDE_DEPTH_MAX) }), { a: 1n });
    assert.match(problemOf("include f0", { files: chain(INCLUDE_DEPTH_MAX + 1) }), /deeper than 16$/);
  });

  test("text length, over all files", () => {
    assert.match(problemOf(`#${" ".repeat(TEXT_LENGTH_MAX)}`), /longer than 16777216 characters$/);
    const files = { big: `# ${"x".repeat(1024 * 1024)}\n` };
    assert.match(problemOf("include big\n".repeat(20), { files }), /longer than 16777216 characters$/);
  });

  test("expansion of variables", () => {
    const doubling = Array.from({ length: 40 }, (_, i) => `v${i + 1}: [$v${i}, $v${i}]`);
    assert.match(
      problemOf(`v0: "${"x".repeat(1000)}"\n${doubling.join("\n")}`),
      new RegExp(`more than ${EXPANSION_MAX}`),
    );
  });

  test("expansion of the environment", () => {
    const env = Object.fromEntries(
      Array.from({ length: 16 }, (_, i) => [
        `V${i}`,
        `[${Array.from({ length: 20 }, () => `$V${i + 1}`).join(",")}]`,
      ]),
    );
    assert.match(problemOf("a: $V0", { env: { ...env, V15: "1" } }), /longer than 16777216 characters$/);
  });

  test("long tokens are read in one go", () => {
    const long = "9".repeat(1_000_000);
    assert.match(problemOf(`a: ${long}`), /^conf:1:3: integer '9{40}…' is out of the range$/);
    assert.deepEqual(read(`a: x${long}`), { a: `x${long}` });
    assert.deepEqual(read(`a: ${long}_`), { a: `${long}_` });
  });
});
