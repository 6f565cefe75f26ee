import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Longest that fetching and building a client may take; a cold build of the largest takes a few minutes. */
const BUILD_DEADLINE_MS = 15 * 60_000;
/** How much of a tool's output is kept: only its end is shown, and only on failure. */
const OUTPUT_BYTES = 64 * 1024 * 1024;

/** The folder that holds the programs of a language in this checkout. */
export function sourceFolder(language: string): string {
  return join(import.meta.dirname, "..", language);
}

/** Where built clients are kept between runs, outside of the checkout; made if need be. */
export async function cacheFolder(language: string): Promise<string> {
  const folder = join(tmpdir(), "caddis-clients", language);
  await mkdir(folder, { recursive: true });
  return folder;
}

/** The first of the programs that is not on PATH, or null when all are there. */
export function missingProgram(names: readonly string[]): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return (
    names.find((name) => !folders.some((folder) => folder !== "" && existsSync(join(folder, name)))) ?? null
  );
}

/** Runs a tool to its end, below the priority of everything else. Rejects with its output when it fails. */
export async function tool(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const { stdout } = await run("nice", ["-n", "10", command, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    timeout: BUILD_DEADLINE_MS,
    maxBuffer: OUTPUT_BYTES,
  });
  return stdout;
}

/** How a tool failed, in one line: the end of what it said. */
export function lastWords(error: unknown): string {
  const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
  return (said === "" ? String(error) : said).split("\n").slice(-3).join(" | ").slice(0, 500);
}

/** A started program whose output is read line by line. Its errors come with the rest of what it says. */
export async function* linesOf(
  command: string,
  args: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<string> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], signal, killSignal: "SIGKILL" });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const ended = new Promise<string>((resolve) => {
    child.once("close", (code, by) => resolve(`${by ?? code}`));
    child.once("error", (error) => resolve(error.message));
  });
  let rest = "";
  for await (const text of child.stdout.setEncoding("utf8") as AsyncIterable<string>) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
  const end = await ended;
  if (end !== "0") throw new Error(`${command} ended with ${end}\n${errors.slice(-4000)}`);
}
