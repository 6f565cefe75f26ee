import { dirname, join } from "node:path";
import { checkAuthorization } from "./authorization.ts";
import { ConfigError } from "./config-error.ts";
import { configDigest } from "./digest.ts";
import { OPTIONS, type OptionsInput } from "./options.ts";
import { parseConfig, type ConfigSource } from "./parser.ts";
import { readOptions } from "./read-options.ts";
import { Report } from "./report.ts";
import type { MapValue } from "./value.ts";

export { mergeInputs, resolveOptions, startWarnings } from "./resolve.ts";

/** What a configuration file comes to. */
export interface LoadedConfig {
  /** The options it sets, for `mergeInputs` and `resolveOptions`. Whatever is wrong is left out. */
  options: OptionsInput;
  /** What a start only mentions, while a mere check (`-t`) fails. */
  warnings: string[];
  /** What keeps a server from starting. */
  errors: string[];
  /** Options of parts that are not built yet: these keep it from starting too. */
  unsupported: string[];
  /** `sha256:` and the digest nats-server shows for the same file; empty when the text could not be read. */
  digest: string;
}

/** Where a configuration text comes from; an include's path is taken from the folder of its file. */
export type LoadSource = Omit<ConfigSource, "resolvePath"> & Partial<Pick<ConfigSource, "resolvePath">>;

/** Reads a configuration text. Never throws for what is in it: that is in the result. */
export function loadConfig(text: string, source: LoadSource): LoadedConfig {
  const report = new Report();
  const loaded = { options: {}, warnings: report.warnings, unsupported: report.unsupported, digest: "" };
  let map: MapValue;
  try {
    map = parseConfig(text, { resolvePath: joinToFolder, ...source });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ...loaded, errors: [...error.problems] };
  }
  // Most likely a mistake, but `-c /dev/null` starts a server with its defaults.
  if (map.entries.size === 0) report.warnings.push(`${source.file}: config has no values or is empty`);
  const given = readOptions(map, OPTIONS, { origin: "file", report, readFile: source.readFile });
  const authorization = [...map.entries.values()].find(({ key }) => key.toLowerCase() === "authorization");
  checkAuthorization(given, authorization?.at ?? map.at, report);
  return { ...loaded, options: given.input, errors: report.errors, digest: configDigest(map) };
}

/** Even an absolute path is taken from the folder of the including file, as nats-server does. */
function joinToFolder(file: string, path: string): string {
  return join(dirname(file), path);
}
