/**
 * Subjects, transforms and mappings against the reference server: where a message lands that is published
 * to it, what its configuration check says of bad mappings, and which subjects it takes.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import { checkMapping, MappingTable } from "../packages/caddis/src/subject/mapping.ts";
import type { MappingInput } from "../packages/caddis/src/subject/mapping.ts";
import { isValidLiteralSubject, isValidSubject } from "../packages/caddis/src/subject/subject.ts";
import { RawClient } from "./support/raw-client.ts";
import { findReferenceServer, ServerProcess } from "./support/server-process.ts";
import { subjectMatches } from "./support/subject-match.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;
const command = reference ?? "";

/** Our mappings, compiled; chance gives the largest number it may. */
function tableOf(inputs: readonly MappingInput[], clusterName = ""): MappingTable {
  const table = MappingTable.compile(inputs, { clusterName, random: { below: (below) => below - 1 } });
  return typeof table === "string" ? assert.fail(table) : table;
}

/** A list of texts without spaces. */
function words(text: string): string[] {
  return text.split(" ");
}

/** Mappings in the configuration language. Texts are such that JSON's strings are NATS's as well. */
function toConfig(inputs: readonly MappingInput[]): string {
  const lines = inputs.map(({ source, destinations }) => {
    if (typeof destinations === "string") return `${JSON.stringify(source)}: ${JSON.stringify(destinations)}`;
    const entries = destinations.map(({ subject, weight, cluster }) => {
      const scope = cluster === undefined ? "" : `, cluster: ${JSON.stringify(cluster)}`;
      return `{destination: ${JSON.stringify(subject)}, weight: ${weight}${scope}}`;
    });
    return `${JSON.stringify(source)}: [${entries.join(", ")}]`;
  });
  return `mappings {\n${lines.join("\n")}\n}\n`;
}

/** Publishes to each subject and tells, in their order, where the messages land; null is nowhere. */
async function landings(config: string, subjects: readonly string[]): Promise<(string | null)[]> {
  const server = await ServerProcess.start({ command, config });
  try {
    const client = await RawClient.connect(server.port);
    client.send('CONNECT {"verbose":false,"pedantic":false}\r\nSUB > 1\r\n');
    client.send(subjects.map((subject, i) => `PUB ${subject} ${String(i).length}\r\n${i}\r\n`).join(""));
    assert.ok(await client.barrier(), server.log);
    const landed: (string | null)[] = subjects.map(() => null);
    for (const [i, line] of client.lines.entries()) {
      const subject = /^MSG ([^ ]+) 1 \d+$/.exec(line)?.[1];
      if (subject !== undefined) landed[Number(client.lines[i + 1])] = subject;
    }
    await client.finish();
    return landed;
  } finally {
    await server.stop();
  }
}

/** Where our server would deliver, given that `>` reaches no subject with an empty token. */
function delivered(mapped: string): string | null {
  return subjectMatches(mapped, ">") ? mapped : null;
}

async function assertSameLandings(
  inputs: readonly MappingInput[],
  subjects: readonly string[],
  { config = "", clusterName = "" } = {},
): Promise<void> {
  const landed = await landings(config + toConfig(inputs), subjects);
  const table = tableOf(inputs, clusterName);
  const expected = subjects.map((subject) => delivered(table.map(subject)));
  const pairs = (results: readonly (string | null)[]): string[] =>
    subjects.map((subject, i) => `${subject} -> ${results[i]}`);
  assert.deepEqual(pairs(expected), pairs(landed));
}

/** Bytes of UTF-8 texts, of broken ones, and of names that look like something else. */
const TOKENS = ["a", "abc", "abcd", "abcdefgh", "a-b--c", "-a-", "--a", "---a-", "--", "-", "*", ">", "$1"];
const BYTES = [
  "caf\xc3\xa9-\xc3\xbc",
  "\xe9-\xfc",
  "\xf0\x9f\x98\x80x",
  "\xc0\x80\xed\xa0\x80\xe2\x82",
  "\xa0-\0",
];

const DESTINATION_TOKENS = [
  ...words("$1 $2 $0 $-1 $+1 $01 $ $x $1x $99999999999999999999 x{{wildcard(1)}} {{}}"),
  ...words("{{wildcard(1)}} {{wildcard(0)}} {{{wildcard(1)}}} {{wildcard(1)}"),
  "{{ Wildcard ( 2 ) }}",
  ...words("{{partition(1000)}} {{Partition(10,1)}} {{partition(1000,0)}}"),
  "{{partition(1000, 2, 1)}}",
  ...words("{{left(1,-2147483648)}} {{random(-4294967295)}}"),
  ...words("{{partition(0,1)}} {{partition(-3,1)}} {{partition(2147483647)}} {{partition(-4294967295,1)}}"),
  ...words("{{split(1,-)}} {{split(1,)}} {{split(1,a)}} {{split(1,.)}} {{split(0,m)}}"),
  "{{Split(2, --)}}",
  ...["FromLeft", "FromRight"].flatMap((side) =>
    ["split", "Split", "slice", "Slice"].flatMap((verb) =>
      [1, 2, 3, 8, 0, -1].map((size) => `{{${verb}${side}(1,${size})}}`),
    ),
  ),
  ...["left", "Left", "right", "Right"].flatMap((name) =>
    [1, 3, 8, 0, -1].map((size) => `{{${name}(1,${size})}}`),
  ),
  ...words(
    "{{split(1,-)}}{{wildcard(1)}} {{random(x)}}{{left(1,1)}} {{random(0)}} {{left(1,x)}}{{right(1,1)}}",
  ),
];

test("every function lands where it does in the reference", { skip }, async () => {
  const inputs = DESTINATION_TOKENS.flatMap((token, i) => [
    { source: `m${i}.*.*`, destinations: `out.${i}.${token}` },
    { source: `n${i}.*.*.>`, destinations: `out.${i}.${token}.>` },
  ]);
  const values = [...TOKENS, ...BYTES];
  const subjects = inputs.flatMap((_, i) => {
    const kind = i % 2 === 0 ? "m" : "n";
    const tail = i % 2 === 0 ? "" : ".x.y";
    return values.map((value, j) => `${kind}${i >> 1}.${value}.${values[(i + j) % values.length]}${tail}`);
  });
  await assertSameLandings(inputs, subjects);
});

test("wildcards, literals and > land where they do in the reference", { skip }, async () => {
  const inputs = [
    { source: "lit", destinations: "literal" },
    { source: "same", destinations: "same" },
    { source: "a.*.>", destinations: "b.$1.>" },
    { source: "c.*.*", destinations: "$2.$1" },
    { source: "d.>", destinations: ">" },
    { source: "e.*", destinations: "$SYS.x.$1" },
    { source: "f.*", destinations: "lit" },
    { source: "g.*x", destinations: "starred" },
    { source: "h*.x", destinations: "inner" },
    { source: "caf\u00e9.*", destinations: "th\u00e9.$1" },
    { source: "many.*.*.*", destinations: "m.$3.$1.$2.$3" },
  ];
  await assertSameLandings(inputs, [
    ...words("lit same lit.x other a.x a.x.y a.x.y.z a..y a.x. c.1.2 c.1.2.3"),
    ...words("d.x.y d d..x e.1 f.1 g.*x g.y g.* h*.x hh.x"),
    "caf\xc3\xa9.x",
    "caf\xe9.x",
    ...words("a.> a.*.> a.x.* c.*.x c.*.* d.* d.> * > *.x many.1.2.3 many.*.b.*"),
  ]);
  await assertSameLandings(
    [{ source: ">", destinations: "pre.>" }],
    ["foo", "foo.bar", "pre.x", "$SYS.x", "_INBOX.x"],
  );
});

test("a literal source's partition is the whole subject's", { skip }, async () => {
  const inputs = [
    { source: "other", destinations: "elsewhere" },
    { source: "a.b", destinations: "p.{{partition(1000)}}" },
    { source: "c.d", destinations: "p.{{partition(1000,1)}}" },
  ];
  const landed = await landings(toConfig(inputs), ["a.b", "c.d"]);
  for (const [i, subject] of ["a.b", "c.d"].entries()) {
    // The reference hashes nothing at all, 261, when chance makes this the first mapping it looks at.
    assert.ok(
      [tableOf(inputs).map(subject), "p.261"].includes(landed[i] ?? ""),
      `${subject} -> ${landed[i]}`,
    );
  }
});

test("random numbers are in the reference's range", { skip }, async () => {
  const inputs = [
    { source: "a.*", destinations: "out.{{random(3)}}" },
    { source: "b.*", destinations: "out.{{random(-3)}}" },
    { source: "c", destinations: "out.{{random(3)}}" },
  ];
  const subjects = Array.from({ length: 200 }, (_, i) => [`a.${i}`, `b.${i}`, "c"]).flat();
  const landed = await landings(toConfig(inputs), subjects);
  for (const [i, letter] of ["a", "b", "c"].entries()) {
    const seen = new Set(landed.filter((_, j) => j % 3 === i));
    assert.deepEqual(seen, new Set(["out.0", "out.1", "out.2"]), letter);
    assert.equal(tableOf(inputs).map(subjects[i]), "out.2");
  }
});

test("weights of nothing, of everything, loss and clusters are the reference's", { skip }, async () => {
  const all = (subject: string, cluster?: string) => ({ subject, weight: 100, ...(cluster && { cluster }) });
  const none = (subject: string, cluster?: string) => ({ ...all(subject, cluster), weight: 0 });
  const inputs: MappingInput[] = [
    { source: "a", destinations: [] },
    { source: "b", destinations: [none("x")] },
    { source: "c", destinations: [none("c")] },
    { source: "d", destinations: [none("x"), all("y")] },
    { source: "e", destinations: [all("x", "X"), all("y")] },
    { source: "f", destinations: [all("x", "Y"), all("y")] },
    { source: "g", destinations: [all("x", "Y")] },
    { source: "h", destinations: [none("h", "X")] },
    { source: "i", destinations: [none("i", "Y")] },
    { source: "j", destinations: [all("x", "Y"), none("j", "Y")] },
    { source: "k.*", destinations: [none("x.$1")] },
    { source: "l.>", destinations: [none("l.>"), none("x.>")] },
  ];
  const subjects = words("a b c d e f g h i j k.1 l.1");
  await assertSameLandings(inputs, subjects);
  const config = 'cluster { name: X, listen: "127.0.0.1:-1" }\n';
  await assertSameLandings(inputs, subjects, { config, clusterName: "X" });
});

/** Tokens of random destinations: functions with arguments that often fit. */
const randomToken = fc.oneof(
  fc.constantFrom("x", "$1", "$2", "{{wildcard(1)}}", "{{wildcard(2)}}"),
  fc
    .tuple(
      fc.constantFrom("split", "slice", "Split", "Slice"),
      fc.constantFrom("FromLeft", "FromRight", "fromleft", "Fromright"),
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: -1, max: 12 }),
    )
    .map(([verb, side, wildcard, size]) => `{{${verb}${side}(${wildcard}, ${size})}}`),
  fc
    .tuple(fc.constantFrom("left", "right"), fc.integer({ min: 1, max: 2 }), fc.integer({ min: -1, max: 12 }))
    .map(([name, wildcard, size]) => `{{${name}(${wildcard},${size})}}`),
  fc
    .tuple(fc.integer({ min: 1, max: 2 }), fc.constantFrom("", "-", "--", "a", "ab", "%", "(", ")", "}"))
    .map(([wildcard, delimiter]) => `{{split(${wildcard},${delimiter})}}`),
  fc
    .tuple(
      fc.integer({ min: -1_000, max: 2 ** 31 - 1 }),
      fc.array(fc.integer({ min: -1, max: 2 }), { maxLength: 3 }),
    )
    .map(([count, wildcards]) => `{{partition(${[count, ...wildcards].join(",")})}}`),
);
/** A token of a published subject: no space and no dot, not a wildcard by itself. */
const randomValue = fc
  .array(
    fc.oneof(
      fc.constantFrom("-", "a", "b", "\xc3\xa9", "\xe2\x82\xac"),
      fc.integer({ min: 0x2f, max: 0xff }),
    ),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((pieces) =>
    pieces.map((piece) => (typeof piece === "string" ? piece : String.fromCharCode(piece))).join(""),
  );

test("random transforms land where they do in the reference", { skip }, async () => {
  const mapping = fc.record({
    tokens: fc.array(randomToken, { minLength: 1, maxLength: 4 }),
    values: fc.array(fc.tuple(randomValue, randomValue), { minLength: 3, maxLength: 3 }),
    open: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(mapping, { minLength: 300, maxLength: 300 }), async (mappings) => {
      const tail = (open: boolean, text: string): string => (open ? `.${text}` : "");
      await assertSameLandings(
        mappings.map(({ tokens, open }, i) => ({
          source: `s${i}.*.*${tail(open, ">")}`,
          destinations: `d${i}.${tokens.join(".")}${tail(open, ">")}`,
        })),
        mappings.flatMap(({ values, open }, i) =>
          values.map(([a, b]) => `s${i}.${a}.${b}${tail(open, "r.s")}`),
        ),
      );
    }),
    // A failure names the first subject that differs: smaller cases would only start more servers.
    { numRuns: 2, endOnFailure: true },
  );
});

/** What the reference's configuration check says of one mapping, null when it has nothing against it. */
async function referenceProblem(folder: string, name: string, input: MappingInput): Promise<string | null> {
  const file = join(folder, name);
  await writeFile(file, toConfig([input]));
  const output = await new Promise<string>((resolve) => {
    execFile(command, ["-t", "-c", file], (_error, stdout, stderr) => resolve(stdout + stderr));
  });
  const start = `nats-server: ${file}`;
  if (output.includes(`${file} is valid`)) return null;
  assert.ok(output.includes(start), output);
  return output
    .slice(output.indexOf(start) + start.length)
    .replace(/^:\d+:\d+: /, "")
    .trimEnd();
}

async function assertSameProblems(inputs: readonly MappingInput[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-test-"));
  try {
    for (const [i, input] of inputs.entries()) {
      assert.equal(
        checkMapping(input),
        await referenceProblem(folder, `${i}.conf`, input),
        toConfig([input]),
      );
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("bad mappings have the reference's errors", { skip }, async () => {
  const single = (source: string, ...destinations: string[]): MappingInput[] =>
    destinations.map((destination) => ({ source, destinations: destination }));
  const weighted = (...destinations: [string, number, string?][]): MappingInput => ({
    source: "foo",
    destinations: destinations.map(([subject, weight, cluster]) => ({
      subject,
      weight,
      ...(cluster && { cluster }),
    })),
  });
  const calls = [
    ...words("wildcard() wildcard(1,1) wildcard(x) wildcard(2) WILDCARD(1) wildcard wildcard(1))"),
    ...words("partition() partition(x) partition(3,) partition(3,2) partition(2147483648)"),
    ...words("random() random(1,1) random(x) random(2147483648) random(9223372036854775808)"),
    ...words("split() split(1) split(1,-,-) split(x,-) split(2,-)"),
    "split(1,- )",
    "split(1, .)",
    ...words("splitFromLeft(1) splitFromRight(1,1,1) sliceFromLeft(x,1) sliceFromRight(1,x)"),
    ...words("left(1) left(1,1,1) right(2,1) right(1,2147483648) left(1,-2147483649) unknown(1)"),
    "caf\u00e9()",
  ];
  await assertSameProblems([
    ...single("foo.*", ...calls.map((call) => `bar.{{${call}}}`)),
    ...single(
      "foo.*",
      "bar.$2",
      "$2.>",
      "bar.*",
      "bar.>",
      "*",
      ">",
      "bar..baz",
      ".bar",
      "bar.",
      ">.bar",
      "b ar.$1",
    ),
    ...single("foo.*", "bar.\t.$1", "bar\n", "bar.{{wildcard(1)}}{{wildcard(1)}}", "bar", "$1"),
    ...single("foo", "bar.$1", "$0", "{{left(1,1)}}", "bar.>", "{{random(3)}}", "{{partition(3,7)}}"),
    ...single("foo.>", "bar", "$1.>", "$0.>", "{{random(3)}}.>", ">"),
    ...["", ".foo", "foo.", "foo..bar", "foo.>.bar", "foo bar"].flatMap((source) => single(source, "x")),
    weighted(["a", 50], ["a", 10]),
    weighted(["a", 50], ["a", 10, "X"]),
    weighted(["a", 50], ["b", 60]),
    weighted(["a", 50], ["b", 60, "X"]),
    weighted(["a", 50, "X"], ["b", 60, "X"]),
    weighted(["a..b", 50]),
    weighted(["$1", 50]),
    weighted(["\u00e9\u200b\u00ad\u{1f600}\u{e0001}", 1], ["\u00e9\u200b\u00ad\u{1f600}\u{e0001}", 1]),
    weighted(),
  ]);
});

test("random destinations have the reference's errors", { skip }, async () => {
  const piece = fc.constantFrom(
    "{{",
    "}}",
    "wildcard",
    "split",
    "left",
    "random",
    "(",
    ")",
    "1",
    "2",
    ",",
    "$",
    ".",
    " ",
  );
  const destination = fc.array(piece, { minLength: 1, maxLength: 9 }).map((pieces) => pieces.join(""));
  const call = fc
    .tuple(
      fc.constantFrom("wildcard", "partition", "random", "split", "left", "sliceFromRight", "what"),
      fc.array(fc.constantFrom("1", "2", "-1", "x", "", " 1 ", "1.0"), { maxLength: 3 }),
    )
    .map(([name, args]) => `out.{{${name}(${args.join(",")})}}`);
  const input = fc.record({
    source: fc.constantFrom("foo", "foo.*", "foo.*.>"),
    destinations: fc.oneof(destination, call, call),
  });
  await fc.assert(
    fc.asyncProperty(input, (mapping) => assertSameProblems([mapping])),
    { numRuns: 60 },
  );
});

test("the same subjects are taken by SUB and, in pedantic mode, by PUB", { skip }, async () => {
  const subjects = [
    ...words("foo foo..bar foo. .foo foo.>.bar foo* *foo >foo foo> * > >.> *.> **"),
    ...words(">> . .."),
    "foo\fbar",
    "\f",
    "foo.\f",
    "\v",
    "a\rb",
    "foo\0",
    "\x85",
    "\xa0",
    "foo.\xa0",
    "caf\xc3\xa9",
    ...words("a.*.b.> foo.*bar foo.bar> $SYS.x a.>b.c"),
    "\xff",
    "\x7f",
  ];
  const server = await ServerProcess.start({ command });
  try {
    for (const [operation, refusal, isValid] of [
      [(subject: string) => `SUB ${subject} 1\r\nUNSUB 1\r\n`, "-ERR 'Invalid Subject'", isValidSubject],
      [
        (subject: string) => `PUB ${subject} 0\r\n\r\n`,
        "-ERR 'Invalid Publish Subject'",
        isValidLiteralSubject,
      ],
    ] as const) {
      const client = await RawClient.connect(server.port);
      client.send('CONNECT {"verbose":false,"pedantic":true}\r\n');
      assert.ok(await client.barrier());
      for (const subject of subjects) {
        client.lines.length = 0;
        client.send(operation(subject));
        assert.ok(await client.barrier(), JSON.stringify(subject));
        assert.deepEqual(client.lines, isValid(subject) ? [] : [refusal], JSON.stringify(subject));
      }
      await client.finish();
    }
  } finally {
    await server.stop();
  }
});

test("a subscription gets what its subject matches", { skip }, async () => {
  const tokens = ["a", "*", ">", "*x"];
  const pairs = tokens.flatMap((first) => tokens.map((second) => `${first}.${second}`));
  const subjects = [...tokens, ...pairs, "a..a", "a.", ".a", "a.a.a", "a.*.>", "*.*.*"];
  const patterns = subjects.filter((subject) => isValidSubject(subject));
  const server = await ServerProcess.start({ command });
  try {
    const client = await RawClient.connect(server.port);
    client.send('CONNECT {"verbose":false,"pedantic":false}\r\n');
    client.send(patterns.map((pattern, i) => `SUB ${pattern} ${i}\r\n`).join(""));
    for (const subject of subjects) {
      client.lines.length = 0;
      client.send(`PUB ${subject} 0\r\n\r\n`);
      assert.ok(await client.barrier());
      const reached = client.lines.flatMap((line) => /^MSG [^ ]+ (\d+) 0$/.exec(line)?.[1] ?? []);
      const expected = patterns.filter((pattern) => subjectMatches(subject, pattern));
      assert.deepEqual(reached.map((sid) => patterns[Number(sid)]).sort(), expected.sort(), subject);
    }
    await client.finish();
  } finally {
    await server.stop();
  }
});
