/** Every command in docs/policy-tester.md prints what stands there, and its program runs. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { OUR_SERVER } from "./support/server-process.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = readFileSync(join(root, "docs/policy-tester.md"), "utf8");

/** A command and what it prints. */
interface Shown {
  readonly command: string;
  readonly output: string;
}

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"))].map(
    (match) => match[1],
  );
}

function commandsOf(block: string): Shown[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const end = text.indexOf("\n");
      return { command: text.slice(0, end), output: text.slice(end + 1) };
    });
}

/** Runs `command` in `folder`, through a shell as people do. */
function run(command: string, folder: string): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}` };
    const child = execFile("/bin/sh", ["-c", `${command} 2>&1`], { cwd: folder, env }, (_error, output) =>
      resolve({ code: child.exitCode ?? -1, output }),
    );
  });
}

describe("docs/policy-tester.md", { concurrency: 2 }, () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "caddis-policy-"));
    await symlink(OUR_SERVER, join(folder, "caddis"));
    await writeFile(join(folder, "shop.conf"), blocks("conf")[0]);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const commands = blocks("console").flatMap(commandsOf);
  test("it has commands, a file and a program", () => {
    assert.deepEqual([commands.length > 10, blocks("conf").length, blocks("js").length], [true, 1, 1]);
  });
  for (const { command, output } of commands) {
    test(command, async () => {
      const ran = await run(command, folder);
      assert.equal(ran.output, output);
      const isAllowed = /^allowed:|"allowed": true/m.test(output);
      const isDenied = output.startsWith("denied:");
      assert.equal(ran.code, isAllowed ? 0 : isDenied ? 1 : 2);
    });
  }

  test("its program", async () => {
    const library = pathToFileURL(join(root, "packages/caddis/src/server/index.ts")).href;
    const source = blocks("js")[0].replace('from "caddis"', `from ${JSON.stringify(library)}`);
    await writeFile(join(folder, "program.mjs"), source);
    const ran = await run(`${JSON.stringify(process.execPath)} program.mjs`, folder);
    assert.deepEqual(ran, { code: 0, output: "false no publish allow rule covers it\n" });
  });
});
