import assert from "node:assert/strict";
import { ConfigError } from "../../packages/caddis/src/config/config-error.ts";
import { loadConfig, mergeInputs, resolveOptions } from "../../packages/caddis/src/config/load.ts";
import type { Options } from "../../packages/caddis/src/config/options.ts";

/** A good file's options, resolved; `files` are those that its options name. Handed in again they are the same. */
export function optionsOf(text: string, files: Readonly<Record<string, string>> = {}): Options {
  const { options, errors, unsupported } = load(text, files);
  assert.deepEqual([errors, unsupported], [[], []]);
  const resolved = resolveOptions(options);
  assert.deepEqual(resolveOptions(mergeInputs({}, structuredClone(options))), resolved);
  return resolved;
}

/** What is wrong with a file, without places; that it is not supported counts. */
export function faultsOf(text: string, files: Readonly<Record<string, string>> = {}): string[] {
  const { errors, unsupported } = load(text, files);
  return [...errors, ...unsupported].map((fault) => fault.replace(/^conf:\d+:\d+: /, ""));
}

/** The problems of what a program hands in. Takes anything: programs without types hand in anything. */
export function problemsOf(input: object): readonly string[] {
  try {
    resolveOptions(input);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

function load(text: string, files: Readonly<Record<string, string>>): ReturnType<typeof loadConfig> {
  const readFile = (path: string): string => {
    if (Object.hasOwn(files, path)) return files[path];
    throw new Error(`open ${path}: no such file or directory`);
  };
  return loadConfig(text, { file: "conf", readFile, env: () => undefined });
}
