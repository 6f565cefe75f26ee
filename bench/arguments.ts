import { parseArgs } from "node:util";

/** What the command line asks for. */
export interface BenchArguments {
  /** Which cases, by name. */
  readonly pattern: RegExp;
  readonly rounds: number;
  /** Seconds a measured phase should take at the reference's speed. */
  readonly seconds: number;
  /** One tiny round of each case that only proves that it works. */
  readonly short: boolean;
  /** Where the results go; undefined: nowhere. */
  readonly jsonFile: string | undefined;
  readonly only: "ours" | "reference" | undefined;
  /** Also show server CPU time split into user and system. */
  readonly serverCpu: boolean;
  /** Commands that replace the servers compared. */
  readonly ours: readonly string[] | undefined;
  readonly reference: readonly string[] | undefined;
  /** Only show what the options are. */
  readonly help: boolean;
}

/** Shown for `--help` and after a mistake. */
export const USAGE = `usage: npm run bench -- [options]
  --case PATTERN      only cases whose name matches this regular expression
  --rounds N          runs of each server per case, in turn (3)
  --seconds S         length of a measured phase at the reference's speed (2.5)
  --short             one tiny round of every case, every byte compared: proves that they work
  --json FILE         write machine, versions and all medians to FILE (.bench/latest.json; not with --short)
  --only SIDE         measure only "ours" or only "reference"
  --server-cpu        also show server CPU time split into user and system
  --ours CMD          command of our server (bin/caddis)
  --reference CMD     command of the reference (NATS_SERVER or nats-server)
  --help              show this`;

/** Rounds of a full run: the least that has a median. */
const ROUNDS = 3;
const SECONDS = 2.5;
const SHORT_SECONDS = 0.02;

/** Reads the command line (without node and script). Throws an Error with one line that says what is wrong. */
export function parseBenchArguments(args: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      case: { type: "string", default: "" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      short: { type: "boolean", default: false },
      json: { type: "string" },
      only: { type: "string" },
      "server-cpu": { type: "boolean", default: false },
      ours: { type: "string" },
      reference: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const { short, only } = values;
  if (only !== undefined && only !== "ours" && only !== "reference") {
    throw new Error(`--only must be "ours" or "reference", not "${only}"`);
  }
  const rounds = numberOf("--rounds", values.rounds, short ? 1 : ROUNDS);
  if (!Number.isInteger(rounds)) throw new Error(`--rounds must be a whole number, not ${rounds}`);
  return {
    pattern: new RegExp(values.case, "i"),
    rounds,
    seconds: numberOf("--seconds", values.seconds, short ? SHORT_SECONDS : SECONDS),
    short,
    jsonFile: values.json ?? (short ? undefined : ".bench/latest.json"),
    only,
    serverCpu: values["server-cpu"],
    ours: values.ours?.split(" "),
    reference: values.reference?.split(" "),
    help: values.help,
  };
}

function numberOf(flag: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) throw new Error(`${flag} must be a number above 0, not "${text}"`);
  return value;
}
