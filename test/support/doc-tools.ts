import { existsSync } from "node:fs";
import { join } from "node:path";
import { whyNot } from "../clients/support/checks.ts";
import { cacheFolder, lastWords, missingProgram, sourceFolder, tool } from "../clients/support/programs.ts";

/** Programs of NATS that pages use, each with its Go package and the folder under `test/clients` that pins it. */
const BUILT: ReadonlyMap<string, readonly [source: string, goPackage: string]> = new Map([
  ["nats", ["cli", "github.com/nats-io/natscli/nats"]],
  ["nsc", ["nsc", "github.com/nats-io/nsc/v2"]],
]);
/** Programs of the system that pages use. */
const INSTALLED = ["bash", "openssl", "curl", "nats-server"];

/** The tools that commands use. */
export function toolsIn(commands: string): string[] {
  return [...BUILT.keys(), ...INSTALLED].filter((name) =>
    new RegExp(`^[^#]*\\b${name} `, "m").test(commands),
  );
}

/**
 * Builds the tools that have to be built, in the pinned version; resolves to the folder that has them, or to the reason
 * why these tools are not to be had on this machine.
 */
export async function provideTools(
  names: readonly string[],
): Promise<{ folder: string } | { reason: string }> {
  const missing = missingProgram(names.filter((name) => !BUILT.has(name)));
  if (missing !== null) return { reason: `no ${missing} on PATH` };
  const folder = await cacheFolder("docs");
  for (const name of names) {
    const reason = await build(name, folder);
    if (reason !== null) return { reason };
  }
  return { folder };
}

/** Resolves to why a tool could not be built, or to null. What is already built is quickly so again. */
async function build(name: string, folder: string): Promise<string | null> {
  const pinned = BUILT.get(name);
  if (pinned === undefined) return null;
  const file = join(folder, name);
  const reason = whyNot(["go"], !existsSync(file));
  if (reason !== null) return `${name}: ${reason}`;
  const [source, goPackage] = pinned;
  const cwd = sourceFolder(source);
  try {
    await tool("go", ["mod", "download"], { cwd });
  } catch (error) {
    return `${name} cannot be fetched here: ${lastWords(error)}`;
  }
  await tool("go", ["build", "-mod=readonly", "-o", file, goPackage], { cwd });
  return null;
}
