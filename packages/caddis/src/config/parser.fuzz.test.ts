import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { ConfigError } from "./config-error.ts";
import { configDigest } from "./digest.ts";
import { loadConfig } from "./load.ts";
import { parseConfig, type ConfigSource } from "./parser.ts";
import type { ConfigValue } from "./value.ts";

/** A value, and a spelling of it chosen at random. */
type Plain = bigint | number | boolean | string | { date: string } | Plain[] | Map<string, Plain>;

const SOURCE: ConfigSource = {
  file: "conf",
  readFile: (path) => assert.fail(`${path} was asked for`),
  resolvePath: (_file, path) => path,
  env: () => undefined,
};

const date = fc
  .date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true })
  .map((moment) => ({ date: `${moment.toISOString().slice(0, 19)}Z` }));
const text = fc
  .string({ unit: "binary", maxLength: 12 })
  .filter((string) => !string.includes("\0") && string.isWellFormed());
const int = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -2000n, max: 5000n }),
);
const float = fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((number) => Number(number.toFixed(6)));

const { value } = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    text,
    int,
    float,
    fc.boolean(),
    date,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(key(), tie("value")), { maxLength: 4 }).map((entries) => new Map(entries)),
  ),
}));

function key(): fc.Arbitrary<string> {
  return text.filter((string) => !(string.includes("'") && string.includes('"')));
}

/** Spells values; `choose` gives an index below its argument. */
class Speller {
  readonly #choose: (below: number) => number;

  constructor(choose: (below: number) => number) {
    this.#choose = choose;
  }

  document(entries: Map<string, Plain>): string {
    const inner = this.#entries(entries);
    return this.#pick([inner, `{${inner}}`, `# comment {\n${inner}\n// end`]);
  }

  #entries(entries: Map<string, Plain>): string {
    const parts = [...entries].map(([name, member], index) => {
      const ends =
        index === entries.size - 1
          ? ["", "\n", ",", " # x\n"]
          : ["\n", ",", ";", " \r\n\n", " // x ]\n", ", "];
      return `${this.#key(name)}${this.#value(member, true)}${this.#pick(ends)}`;
    });
    return this.#space() + parts.join(this.#space());
  }

  #key(name: string): string {
    const quoted = name.includes("'")
      ? `"${name}"`
      : name.includes('"')
        ? `'${name}'`
        : this.#pick([`"${name}"`, `'${name}'`]);
    const bare = /^[A-Za-z_][\w.-]*$/.test(name) && name.toLowerCase() !== "include";
    const spelled = bare ? this.#pick([name, quoted]) : quoted;
    return spelled + this.#pick([": ", " = ", ":", "=", " ", "\n\n", "\t:\t"]);
  }

  #value(plain: Plain, isMember: boolean): string {
    switch (typeof plain) {
      case "bigint":
        return this.#int(plain);
      case "number":
        return this.#float(plain);
      case "boolean":
        return this.#pick(plain ? ["true", "yes", "ON", "True"] : ["false", "no", "oFF"]);
      case "string":
        return this.#string(plain);
      default:
        if (Array.isArray(plain)) return this.#array(plain);
        if (plain instanceof Map) return `${isMember ? "" : this.#space()}{${this.#entries(plain)}}`;
        return plain.date;
    }
  }

  #int(plain: bigint): string {
    const spellings = [String(plain)];
    if (plain !== 0n && plain % 1000n === 0n) spellings.push(`${plain / 1000n}k`);
    if (plain !== 0n && plain % 1024n === 0n) spellings.push(`${plain / 1024n}KiB`, `${plain / 1024n}kb`);
    return this.#pick(spellings);
  }

  #float(plain: number): string {
    // Fixed notation with a digit behind the point: the language has no exponents.
    return Object.is(plain, -0) ? "-0.0" : plain.toFixed(6);
  }

  #string(plain: string): string {
    const escaped = plain.replace(
      /["\\\n\r\t]/g,
      (character) => ({ "\n": "\\n", "\r": "\\r", "\t": "\\t" })[character] ?? `\\${character}`,
    );
    const hex = [...Buffer.from(plain)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
    const spellings = [`"${escaped}"`, `"${hex}"`];
    if (!plain.includes("'")) spellings.push(`'${plain}'`);
    if (/^[A-Za-z_/][\w/.-]*$/.test(plain) && !/^(true|false|yes|no|on|off)$/i.test(plain))
      spellings.push(plain);
    return this.#pick(spellings);
  }

  #array(items: readonly Plain[]): string {
    const parts = items.map((item, index) => {
      const ends = index === items.length - 1 ? ["", ",", "\n"] : [",", "\n", " # x\n", " ,"];
      return this.#space() + this.#value(item, false) + this.#pick(ends);
    });
    return `[${parts.join("")}${this.#space()}]`;
  }

  #space(): string {
    return this.#pick(["", " ", "\n", "\t\n # ] } '\n", "\r\n"]);
  }

  #pick(spellings: readonly string[]): string {
    return spellings[this.#choose(spellings.length)];
  }
}

function plainOf(parsed: ConfigValue): Plain {
  if (parsed.kind === "array") return parsed.items.map(plainOf);
  if (parsed.kind === "map")
    return new Map([...parsed.entries.values()].map((entry) => [entry.key, plainOf(entry.value)]));
  return parsed.kind === "datetime" ? { date: parsed.value } : parsed.value;
}

test("whatever way a value is spelled, it is read as itself", () => {
  const map = fc.array(fc.tuple(key(), value), { maxLength: 5 }).map((entries) => new Map(entries));
  fc.assert(
    fc.property(map, fc.gen(), (entries, generate) => {
      const speller = new Speller((below) => generate(fc.nat, { max: below - 1 }));
      const spelled = speller.document(entries);
      assert.deepEqual(plainOf(parseConfig(spelled, SOURCE)), entries, spelled);
    }),
    { numRuns: 500 },
  );
});

const CORPUS = [
  'port: 4222\nhost: "a b"\nserver_tags: [a, "b", c]\n',
  '{"port": 5, "authorization": {"user": "x", "timeout": 1.5}, "http": "a:1",}',
  "authorization {\n  user: a # c\n  password: $y\n timeout = 2\n}\ny = x;",
  "server_metadata {\n a: (\nblk\n)\n b = 'r'; c \"d\\x41\\n\" }\n",
  "include one.conf\nx: $ENV\nlisten: 1.2.3.4:5\nat: 2017-01-01T00:00:00Z",
  'mappings { a: b, "c.*": {dest: "d.$1", weight: 50%}, e: [{destination: f, weight: 1}] }\nping_interval: "2m"',
];

const PIECES = [
  ..."{}[]()\"'\\:=;,#/$\n\r\t .-0k\0\u00a0é".split(""),
  "//",
  "\n)\n",
  "include ",
  "$a",
  "\\x",
  "true",
  "\ud800",
];

/** A text of the corpus with pieces put in, taken out and copied. */
const mutated = fc
  .tuple(
    fc.constantFrom(...CORPUS),
    fc.array(fc.tuple(fc.nat(200), fc.nat(12), fc.constantFrom(...PIECES, "")), { maxLength: 6 }),
  )
  .map(([start, changes]) =>
    changes.reduce((so, [at, cut, piece]) => {
      const offset = at % (so.length + 1);
      return so.slice(0, offset) + piece + so.slice(offset + (cut % 4 === 0 ? cut : 0));
    }, start),
  );

const garbage = fc
  .array(fc.constantFrom(...PIECES, "a", "b", "port", "host"), { maxLength: 60 })
  .map((parts) => parts.join(""));

/** Reads `text` as a file; nothing but a `ConfigError` may come out. */
function survives(config: string): void {
  const source: ConfigSource = {
    ...SOURCE,
    readFile: (path) => (path === "one.conf" ? "port: 5\nhost: a" : missing(path)),
    env: (name) => ({ ENV: "[1, $ENV2]", ENV2: '"x"', a: "$a" })[name],
  };
  const loaded = loadConfig(config, source);
  assert.ok(loaded.errors.length > 0 || loaded.digest !== "");
  try {
    configDigest(parseConfig(config, source));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    assert.match(error.message, /^[^\n]*:\d+:\d+: /);
  }
}

function missing(path: string): never {
  throw new Error(`open ${path}: no such file or directory`);
}

for (const [name, texts] of [
  ["mutated files", mutated],
  ["garbage", garbage],
] as const) {
  test(`${name} are read or refused, never worse (fixed seed)`, () => {
    fc.assert(fc.property(texts, survives), { numRuns: 2000, seed: 20261120 });
  });
  test(`${name} are read or refused, never worse (random seed)`, () => {
    fc.assert(fc.property(texts, survives), { numRuns: 500 });
  });
}
