import { mergeInputs, loadConfig, startWarnings } from "../config/load.ts";
import type { Options } from "../config/options.ts";
import { readTextFile } from "../io/node/process-files.ts";
import { optionProblems } from "../server/check-options.ts";
import { fileOrigins, flagOrigins, pathsIn, type Origins, type OriginSource } from "./config-origins.ts";
import { parseCommandLine } from "./flags.ts";
import { loadOptions } from "./load-options.ts";

/** What a server would start with, and from where it has that. */
export interface Setup {
  readonly options: Options;
  readonly origins: Origins;
  /** Of the file; empty without one. */
  readonly digest: string;
  /** What a start would say. */
  readonly warnings: readonly string[];
}

const SOURCE: OriginSource = { readFile: readTextFile, env: (name) => process.env[name] };

/** What a server would start with by these flags and the file they name. Throws an `Error` that says why it would not. */
export function loadSetup(flags: readonly string[]): Setup {
  const line = parseCommandLine(flags);
  if ("problem" in line) throw new Error(line.problem);
  if (line.words.length > 0) throw new Error(`${JSON.stringify(line.words[0])} is no option of the server`);
  const { options, digest, warnings } = loadOptions(line);
  const problems = optionProblems(options);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  const isFile = line.configFile !== "";
  const inFile = isFile ? fileOrigins(line.configFile, SOURCE) : new Map<string, string>();
  const file = isFile
    ? loadConfig(readTextFile(line.configFile), { file: line.configFile, ...SOURCE })
    : null;
  // A user by flag takes the place of a file's token: where nothing is left of it, it comes from nowhere.
  const kept = new Set(pathsIn(mergeInputs(file?.options ?? {}, line.options)));
  const origins = new Map([...inFile].filter(([path]) => kept.has(path) || path.split(".").length > 2));
  for (const [path, flag] of flagOrigins(flags)) origins.set(path, flag);
  return { options, origins, digest, warnings: [...warnings, ...startWarnings(options)] };
}
