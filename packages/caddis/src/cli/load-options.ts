import { loadConfig, mergeInputs, resolveOptions, type LoadedConfig } from "../config/load.ts";
import type { Options } from "../config/options.ts";
import { ConfigError } from "../config/config-error.ts";
import { optionProblems } from "../server/check-options.ts";
import { readTextFile } from "../io/node/process-files.ts";
import type { CommandLine } from "./flags.ts";

/** The options a server starts with, and what is to be said about them. */
export interface LoadedOptions {
  readonly options: Options;
  /** Lines for stderr. */
  readonly warnings: readonly string[];
  /** Of the configuration file; empty without one. */
  readonly digest: string;
}

/** Flags over file over defaults. Throws an `Error` whose message lists all that keeps a server from starting. */
export function loadOptions(line: CommandLine): LoadedOptions {
  const file = line.configFile === "" ? null : readConfigFile(line.configFile);
  const problems = file === null ? [] : [...file.errors, ...file.unsupported, ...unfitOptions(file)];
  problems.push(...line.unsupported);
  if (problems.length > 0) throw new Error([...(file?.warnings ?? []), ...problems].join("\n"));
  const options = resolveOptions(mergeInputs(file?.options ?? {}, line.options));
  return { options, warnings: file?.warnings ?? [], digest: file?.digest ?? "" };
}

/** Checks a file as `-t` does, and returns its digest. Throws for warnings too, as nats-server does. */
export function checkConfigFile(path: string): string {
  const file = readConfigFile(path);
  const complaints = [...file.warnings, ...file.errors, ...file.unsupported, ...unfitOptions(file)];
  if (complaints.length === 0) complaints.push(...linkProblems(file));
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
  return file.digest;
}

/** What accounts want of each other and don't get. What else a start refuses is not looked at, as in nats-server. */
function linkProblems({ options }: LoadedConfig): readonly string[] {
  try {
    return optionProblems(resolveOptions(options));
  } catch (error) {
    if (error instanceof ConfigError) return [];
    throw error;
  }
}

/** What a file may say to a server inside a process, but not to the program. */
function unfitOptions({ options }: LoadedConfig): string[] {
  return options.dont_listen === true
    ? ['"dont_listen" is for servers inside a process: no client could reach the program']
    : [];
}

function readConfigFile(path: string): LoadedConfig {
  return loadConfig(readTextFile(path), {
    file: path,
    readFile: readTextFile,
    env: (name) => process.env[name],
  });
}
