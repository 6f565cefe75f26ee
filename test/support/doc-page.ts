/**
 * The steps of a documentation page, so that a test can do what its reader does.
 *
 * A fenced block is a step, and its language says which: `sh` is typed into a shell, `text` is what the last command
 * printed, anything else is a file whose name ends the line above the block (`` Save this as `a.conf`: ``).
 * Comments that readers don't see, on the line above a block, say what else a test has to know:
 * `<!-- stays -->`: the command goes on in a terminal of its own; `<!-- fails -->`: it ends with an error;
 * `<!-- in: nats sub -->`: the output is that of the terminal whose command begins so.
 */
export type Step =
  | { readonly kind: "run" | "stay" | "fail"; readonly line: number; readonly text: string }
  | { readonly kind: "file"; readonly line: number; readonly text: string; readonly name: string }
  | {
      readonly kind: "output";
      readonly line: number;
      readonly text: string;
      /** Beginning of the command that prints it; null for the last one. */
      readonly terminal: string | null;
    };

const FENCED = /^```(\w+)\n([^]*?)^```$/gm;
const COMMENT = /^<!-- (.*) -->$/;
const FILE_NAME = /`([\w./-]+)`:$/;

/** Throws on a block that no rule covers: nothing on a page goes untested. */
export function stepsOf(page: string): Step[] {
  return [...page.matchAll(FENCED)].map((match) => {
    const before = page.slice(0, match.index).trimEnd().split("\n");
    const line = page.slice(0, match.index).split("\n").length;
    return step(line, match[1], match[2].trimEnd(), before.at(-1) ?? "");
  });
}

function step(line: number, language: string, text: string, above: string): Step {
  const comment = COMMENT.exec(above)?.[1];
  if (language === "text") {
    const terminal = comment?.startsWith("in: ") ? comment.slice("in: ".length) : null;
    return { kind: "output", line, text, terminal };
  }
  if (language === "sh") {
    if (comment === undefined) return { kind: "run", line, text };
    if (comment === "stays") return { kind: "stay", line, text };
    if (comment === "fails") return { kind: "fail", line, text };
  }
  const name = FILE_NAME.exec(above)?.[1];
  if (language === "sh" || name === undefined) throw new Error(`line ${line}: what is this block?`);
  return { kind: "file", line, text, name };
}

/**
 * Whether lines are those that a page shows. `…` on a page stands for anything within a line, or alone on a line for
 * any lines; times of day and spaces at the end of a line are not compared.
 */
export function isShown(actual: string, shown: string): boolean {
  return sameLines(linesOf(actual), linesOf(shown));
}

/**
 * Looks for the lines that a page shows among those of a terminal that goes on, in their order but with any others
 * between them, from `start` on. Returns the number of the line behind the last of them; null while one is missing.
 */
export function endOfShown(actual: string, shown: string, start: number): number | null {
  const lines = linesOf(actual);
  let end = start;
  for (const line of linesOf(shown).filter((one) => one !== ANYTHING)) {
    const at = lines.findIndex((other, i) => i >= end && sameLine(other, line));
    if (at === -1) return null;
    end = at + 1;
  }
  return end;
}

const ANYTHING = "…";

function linesOf(text: string): string[] {
  const lines = text
    .trimEnd()
    .replaceAll(/\d\d:\d\d:\d\d/g, "hh:mm:ss")
    .split("\n");
  return lines.map((line) => line.trimEnd());
}

function sameLines(actual: readonly string[], shown: readonly string[]): boolean {
  if (shown.length === 0) return actual.length === 0;
  const [first, ...rest] = shown;
  if (first !== ANYTHING)
    return actual.length > 0 && sameLine(actual[0], first) && sameLines(actual.slice(1), rest);
  const next = rest.findIndex((line) => line !== ANYTHING);
  if (next === -1) return true;
  return actual.some((_, i) => sameLines(actual.slice(i), rest.slice(next)));
}

function sameLine(actual: string, shown: string): boolean {
  const parts = shown.split(ANYTHING).map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join(".*?")}$`).test(actual);
}
