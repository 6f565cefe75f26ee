/** A part of a subject in a scope's template: literal text, or an operation without its braces. */
export interface TemplatePart {
  readonly kind: "text" | "operation";
  readonly text: string;
}

/**
 * Takes a subject apart at its `{{…}}`: no closing brace inside, something between, blanks around it not counted.
 * Linear in the length of what a tenant wrote.
 */
export function parseTemplate(subject: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let textStart = 0;
  for (let from = 0; ;) {
    const open = subject.indexOf("{{", from);
    const close = open < 0 ? -1 : subject.indexOf("}", open + 2);
    if (close < 0) break;
    from = close + 1;
    // One brace only, or nothing between: no operation begins before this brace, then.
    if (subject[close + 1] !== "}" || close === open + 2) continue;
    if (open > textStart) parts.push({ kind: "text", text: subject.slice(textStart, open) });
    parts.push({ kind: "operation", text: subject.slice(open + 2, close).trim() });
    textStart = from = close + 2;
  }
  if (textStart < subject.length) parts.push({ kind: "text", text: subject.slice(textStart) });
  return parts;
}

/**
 * The subjects that a template makes of the values of its operations, one for each combination. An operation that
 * comes twice has the same value in both places.
 */
export function combine(
  parts: readonly TemplatePart[],
  values: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  // Before anything is multiplied: what comes first may be more than fits.
  if ([...values.values()].some((options) => options.length === 0)) return [];
  let choices: ReadonlyMap<string, string>[] = [new Map()];
  for (const [operation, options] of values) {
    choices = choices.flatMap((choice) => options.map((option) => new Map([...choice, [operation, option]])));
  }
  return choices.map((choice) =>
    parts.map(({ kind, text }) => (kind === "text" ? text : (choice.get(text) ?? ""))).join(""),
  );
}
