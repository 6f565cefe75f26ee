/**
 * The flag syntax of Go programs, which nats-server's users and scripts write: `-x` and `--x` are the same,
 * a value follows as `=value` or as the next argument, a bool is set by its name alone and takes a value
 * only after `=`, `--` ends the flags, and so does the first argument that is no flag. Texts of errors are
 * those of Go's `flag` package.
 */

/** What a flag takes. Integers may be written as in Go source: `4222`, `0x107e`, `0b11`, `1_000`. */
export type FlagKind = "bool" | "int" | "string";

export type FlagValue = boolean | number | string;

/** One flag that was given: by which of its names, and the value. */
export interface GivenFlag {
  readonly name: string;
  readonly value: FlagValue;
}

/** What the arguments say: the flags in order and the words behind them; or what is wrong, in one line. */
export type ParsedFlags =
  | { readonly flags: readonly GivenFlag[]; readonly words: readonly string[] }
  | { readonly problem: string };

/** Reads `args`; `kindOf` knows the flags by name. */
export function parseGoFlags(
  args: readonly string[],
  kindOf: (name: string) => FlagKind | undefined,
): ParsedFlags {
  const flags: GivenFlag[] = [];
  let next = 0;
  while (next < args.length) {
    const arg = args[next];
    if (!arg.startsWith("-") || arg === "-") break;
    next++;
    if (arg === "--") break;
    const text = arg.startsWith("--") ? arg.slice(2) : arg.slice(1);
    if (text.startsWith("-") || text.startsWith("=")) return { problem: `bad flag syntax: ${arg}` };
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    let written = equals < 0 ? undefined : text.slice(equals + 1);
    const kind = kindOf(name);
    if (kind === undefined) return { problem: `flag provided but not defined: -${name}` };
    if (kind === "bool") written ??= "true";
    else if (written === undefined) {
      if (next === args.length) return { problem: `flag needs an argument: -${name}` };
      written = args[next++];
    }
    const value = parseValue(kind, written);
    if (typeof value === "object") {
      const what = kind === "bool" ? "boolean value" : "value";
      const link = kind === "bool" ? "for" : "for flag";
      return { problem: `invalid ${what} ${JSON.stringify(written)} ${link} -${name}: ${value.problem}` };
    }
    flags.push({ name, value });
  }
  return { flags, words: args.slice(next) };
}

function parseValue(kind: FlagKind, written: string): FlagValue | { problem: string } {
  if (kind === "string") return written;
  if (kind === "int") return parseInteger(written);
  if (/^(1|t|T|true|TRUE|True)$/.test(written)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(written)) return false;
  return { problem: "parse error" };
}

/** The largest integer Go's 64-bit flags take; the smallest is one further from zero. */
const INT64_MAX = 2n ** 63n - 1n;
/** Digits of an integer before only its size can be wrong: bounds the work on a long argument. */
const INTEGER_LENGTH_MAX = 100;

/** Above 2^53 the result is rounded, which no flag minds. */
function parseInteger(written: string): number | { problem: string } {
  const match =
    /^([+-]?)(0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)$/.exec(
      written,
    );
  if (match === null) return { problem: "parse error" };
  if (written.length > INTEGER_LENGTH_MAX) return { problem: "value out of range" };
  let digits = match[2].replaceAll("_", "");
  if (/^0[0-7]/.test(digits)) digits = `0o${digits.slice(1)}`;
  const magnitude = BigInt(digits);
  const negative = match[1] === "-";
  if (magnitude > INT64_MAX + (negative ? 1n : 0n)) return { problem: "value out of range" };
  return Number(negative ? -magnitude : magnitude);
}
