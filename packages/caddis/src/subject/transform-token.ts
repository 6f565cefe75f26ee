/**
 * One token of a transform's destination. It is text that stands for itself, a wildcard's value (`$2` or
 * `{{wildcard(2)}}`), or a function of the source's wildcards:
 *
 *     {{partition(n, i...)}}       hash of the wildcards i, or of the whole subject, modulo n
 *     {{random(n)}}                a number in [0, n)
 *     {{split(i, delimiter)}}      wildcard i cut at each delimiter
 *     {{splitFromLeft(i, k)}}      wildcard i cut once, after k bytes      {{splitFromRight(i, k)}}
 *     {{sliceFromLeft(i, k)}}      wildcard i cut into pieces of k bytes   {{sliceFromRight(i, k)}}
 *     {{left(i, k)}}               first k bytes of wildcard i             {{right(i, k)}}
 *
 * Wildcards are numbered from 1. In a function's name the case of the letters that are capital here, and
 * of its first, is free. Space may stand inside the braces, around the name and before arguments. Like the
 * reference this looks for the call anywhere between `{{` at the token's start and `}}` at its end, and
 * tries the functions in a fixed order, which decides what a token with two calls means (probed).
 */

/** What a token does; `text` stands for itself. */
export type TransformFunction =
  | "text"
  | "wildcard"
  | "partition"
  | "splitFromLeft"
  | "splitFromRight"
  | "sliceFromLeft"
  | "sliceFromRight"
  | "right"
  | "left"
  | "split"
  | "random";

/** A parsed token. One shape for all functions, since transforms run once per message. */
export interface TransformToken {
  readonly kind: TransformFunction;
  /** The text, or split's delimiter; else empty. */
  readonly text: string;
  /** Numbers of the wildcards the function takes. A bigint, since a range check is still to come. */
  readonly wildcards: readonly bigint[];
  /** Partitions, bytes or the bound of random, an integer of 32 bits; else 0. */
  readonly count: number;
}

/** What is wrong with a destination; also the start of the reference's error texts. */
export type TransformReason =
  | "invalid subject"
  | "invalid mapping destination: invalid transform"
  | "invalid mapping destination: unknown function"
  | "invalid mapping destination: wildcard index out of range"
  | "invalid mapping destination: not enough arguments passed to the function"
  | "invalid mapping destination: too many arguments passed to the function"
  | "invalid mapping destination: function argument is invalid or in the wrong format";

const NOT_ENOUGH = "invalid mapping destination: not enough arguments passed to the function";
const TOO_MANY = "invalid mapping destination: too many arguments passed to the function";
const INVALID_ARGUMENT = "invalid mapping destination: function argument is invalid or in the wrong format";
const UNKNOWN_FUNCTION = "invalid mapping destination: unknown function";

/** What counts as space around a function's parts: Go's `\s`, which leaves out VT and the space at 0xa0. */
const SPACE = "[\\t\\n\\f\\r ]*";
const ARGUMENT_SEPARATOR = new RegExp(`,${SPACE}`);

/** Names in the order in which they are tried; letters that may be of either case are capital. */
const CALLS: readonly { readonly kind: Exclude<TransformFunction, "text">; readonly call: RegExp }[] = [
  { kind: "wildcard", call: callOf("Wildcard") },
  { kind: "partition", call: callOf("Partition") },
  { kind: "splitFromLeft", call: callOf("SplitFromLeft") },
  { kind: "splitFromRight", call: callOf("SplitFromRight") },
  { kind: "sliceFromLeft", call: callOf("SliceFromLeft") },
  { kind: "sliceFromRight", call: callOf("SliceFromRight") },
  { kind: "right", call: callOf("Right") },
  { kind: "left", call: callOf("Left") },
  { kind: "split", call: callOf("Split") },
  { kind: "random", call: callOf("Random") },
];

function callOf(name: string): RegExp {
  const anyCase = name.replace(/[A-Z]/g, (letter) => `[${letter}${letter.toLowerCase()}]`);
  return new RegExp(`\\{\\{${SPACE}${anyCase}${SPACE}\\(([^\\n]*)\\)${SPACE}\\}\\}`);
}

/** Whether `token` is written as a call, of a function that exists or not. */
export function isFunctionToken(token: string): boolean {
  return token.length > 4 && token.startsWith("{{") && token.endsWith("}}");
}

/** Whether `token` holds a call of a function that exists. */
export function namesFunction(token: string): boolean {
  return CALLS.some(({ call }) => call.test(token));
}

/** Parses one token of a destination, or says what is wrong with it. */
export function parseTransformToken(token: string): TransformToken | TransformReason {
  if (token.length > 1 && token.startsWith("$")) {
    const wildcard = parseInteger(token.slice(1));
    // Names such as `$SYS` and `$JS` begin like this, too.
    return wildcard === null
      ? textToken(token)
      : { kind: "wildcard", text: "", wildcards: [wildcard], count: 0 };
  }
  if (!isFunctionToken(token)) return textToken(token);
  for (const { kind, call } of CALLS) {
    const args = call.exec(token)?.[1].split(ARGUMENT_SEPARATOR);
    if (args !== undefined) return parseCall(kind, args);
  }
  return UNKNOWN_FUNCTION;
}

function textToken(text: string): TransformToken {
  return { kind: "text", text, wildcards: [], count: 0 };
}

/** Parses a call's arguments; `args` holds at least one, which is empty for `()`. */
function parseCall(
  kind: Exclude<TransformFunction, "text">,
  args: readonly string[],
): TransformToken | TransformReason {
  switch (kind) {
    case "wildcard": {
      if (args.length > 1) return TOO_MANY;
      return args[0] === "" ? NOT_ENOUGH : build(kind, "", args, null);
    }
    case "partition":
      return build(kind, "", args.slice(1), args[0]);
    case "random":
      // The reference says "not enough" for too many as well.
      return args.length === 1 ? build(kind, "", [], args[0]) : NOT_ENOUGH;
    case "split": {
      if (args.length !== 2) return args.length < 2 ? NOT_ENOUGH : TOO_MANY;
      const delimiter = args[1];
      return delimiter.includes(" ") ? INVALID_ARGUMENT : build(kind, delimiter, [args[0]], null);
    }
    default:
      if (args.length !== 2) return args.length < 2 ? NOT_ENOUGH : TOO_MANY;
      return build(kind, "", [args[0]], args[1]);
  }
}

function build(
  kind: TransformFunction,
  text: string,
  wildcardArgs: readonly string[],
  countArg: string | null,
): TransformToken | TransformReason {
  const count = countArg === null ? 0n : parseInteger(trimSpaces(countArg));
  if (count === null || !isInRange(kind, count)) return INVALID_ARGUMENT;
  const wildcards: bigint[] = [];
  for (const arg of wildcardArgs) {
    const wildcard = parseInteger(trimSpaces(arg));
    if (wildcard === null) return INVALID_ARGUMENT;
    wildcards.push(wildcard);
  }
  return { kind, text, wildcards, count: Number(BigInt.asIntN(32, count)) };
}

/** Numbers are of 32 bits; where they count, below zero, the reference wraps what has more (probed). */
function isInRange(kind: TransformFunction, count: bigint): boolean {
  const wraps = count < 0n && (kind === "partition" || kind === "random");
  return wraps || BigInt.asIntN(32, count) === count;
}

/** Blanks only: a tab before a number makes it invalid. */
function trimSpaces(text: string): string {
  return text.replace(/^ +| +$/g, "");
}

/** A decimal integer of 64 bits with optional sign, or null. */
function parseInteger(text: string): bigint | null {
  if (!/^[+-]?[0-9]+$/.test(text)) return null;
  const value = text.startsWith("+") ? BigInt(text.slice(1)) : BigInt(text);
  return BigInt.asIntN(64, value) === value ? value : null;
}
