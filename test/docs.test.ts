/** Whoever works through a page of the documentation gets what it shows: every block is done, in order. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stepsOf, type Step } from "./support/doc-page.ts";
import { DocSession } from "./support/doc-session.ts";
import { provideTools, toolsIn } from "./support/doc-tools.ts";

const ROOT = join(import.meta.dirname, "..");

for (const path of globSync("docs/{security,jetstream}/*.md", { cwd: ROOT })) {
  const steps = stepsOf(readFileSync(join(ROOT, path), "utf8"));
  describe(path, () => {
    let session: DocSession | undefined;
    let reason = "";
    before(async () => {
      const commands = steps.filter(({ kind }) => kind !== "output" && kind !== "file");
      const tools = await provideTools(toolsIn(commands.map(({ text }) => text).join("\n")));
      if ("folder" in tools) session = await DocSession.open(tools.folder);
      else ({ reason } = tools);
    });
    after(() => session?.close());
    for (const step of steps) {
      test(nameOf(step), async (t) => {
        if (session === undefined || reason !== "") {
          t.skip(reason);
          return;
        }
        reason = "a step before it failed";
        await session.do(step);
        reason = "";
      });
    }
  });
}

function nameOf(step: Step): string {
  const [first, ...rest] = step.text.split("\n");
  const what = step.kind === "file" ? step.name : `${first}${rest.length > 0 ? " …" : ""}`;
  return `${step.line}: ${step.kind} ${what}`;
}
