/**
 * A strict reader of the two formats of figures: OpenMetrics 1.0, and the text format 0.0.4 that came before it. What
 * their specifications forbid is an error with its line, be it ever so harmless.
 */

export interface ParsedSample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

/** All families of a scrape by name. */
export type Scrape = ReadonlyMap<string, ParsedFamily>;

type Dialect = "openmetrics" | "text";

interface OpenFamily extends ParsedFamily {
  readonly samples: ParsedSample[];
  help: string;
  type: string;
}

/** What may stand behind a family's name in its samples. */
const SUFFIXES: Readonly<Record<Dialect, Readonly<Record<string, readonly string[]>>>> = {
  openmetrics: {
    gauge: [""],
    counter: ["_total", "_created"],
    histogram: ["_bucket", "_sum", "_count", "_created"],
    summary: ["", "_sum", "_count", "_created"],
    info: ["_info"],
    stateset: [""],
    unknown: [""],
  },
  text: {
    gauge: [""],
    counter: [""],
    histogram: ["_bucket", "_sum", "_count"],
    summary: ["", "_sum", "_count"],
    untyped: [""],
  },
};

const METRIC_NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,?)/y;
const METADATA = new RegExp(`^# (HELP|TYPE|UNIT) (${METRIC_NAME}) ([^\\n]*)$`);
const SAMPLE = new RegExp(`^(${METRIC_NAME})(?:\\{([^\\n]*)\\})? (\\S+)$`);
const NUMBER = /^[+-]?(?:Inf|NaN|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

class Reader {
  readonly #dialect: Dialect;
  readonly #families = new Map<string, OpenFamily>();
  readonly #seen = new Set<string>();
  #current: OpenFamily | null = null;
  #metadata = new Set<string>();

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  line(line: string): void {
    const metadata = METADATA.exec(line);
    if (metadata !== null) this.#onMetadata(metadata[1], metadata[2], metadata[3]);
    else if (line.startsWith("#")) {
      if (this.#dialect === "openmetrics") throw new Error("a comment is no part of OpenMetrics");
    } else this.#onSample(line);
  }

  end(): Scrape {
    for (const family of this.#families.values()) {
      if (family.type === "histogram") checkHistogram(family);
      this.#checkClash(family);
    }
    return this.#families;
  }

  #onMetadata(keyword: string, name: string, text: string): void {
    if (this.#current?.name !== name) {
      if (this.#families.has(name)) throw new Error(`${name} comes twice`);
      this.#current = { name, type: this.#dialect === "text" ? "untyped" : "unknown", help: "", samples: [] };
      this.#families.set(name, this.#current);
      this.#metadata = new Set();
    }
    if (this.#current.samples.length > 0) throw new Error("metadata behind samples");
    if (this.#metadata.has(keyword)) throw new Error(`a second ${keyword}`);
    this.#metadata.add(keyword);
    if (keyword === "TYPE") {
      if (!Object.hasOwn(SUFFIXES[this.#dialect], text)) throw new Error(`no such type: ${text}`);
      this.#current.type = text;
    } else if (keyword === "HELP") {
      const allowed = this.#dialect === "text" ? /^(?:[^\\]|\\[\\n])*$/ : /^(?:[^\\"]|\\[\\n"])*$/;
      if (!allowed.test(text)) throw new Error("an escape that is none, or a quote without one");
      this.#current.help = text;
    } else if (!name.endsWith(`_${text}`)) throw new Error(`${name} does not end with its unit`);
  }

  #onSample(line: string): void {
    const found = SAMPLE.exec(line);
    if (found === null) throw new Error("neither metadata nor a sample");
    const [, name, labelText, valueText] = found;
    const family = this.#current;
    if (family === null) throw new Error("a sample without its family");
    const suffix = name.startsWith(family.name) ? name.slice(family.name.length) : null;
    if (suffix === null || !SUFFIXES[this.#dialect][family.type].includes(suffix)) {
      throw new Error(`${name} is no sample of the ${family.type} ${family.name}`);
    }
    if (!NUMBER.test(valueText)) throw new Error(`no number: ${valueText}`);
    const labels = labelText === undefined ? new Map<string, string>() : parseLabels(labelText);
    const value = toNumber(valueText);
    if (family.type === "counter" && !(value >= 0)) throw new Error("a counter below 0");
    if (suffix === "_bucket" && !labels.has("le")) throw new Error("a bucket without le");
    const key = name + keyOf(labels);
    if (this.#seen.has(key)) throw new Error("the same sample twice");
    this.#seen.add(key);
    family.samples.push({ name, labels, value });
  }

  /** A family must not be called as another's samples are. */
  #checkClash({ name, type }: ParsedFamily): void {
    for (const suffix of SUFFIXES[this.#dialect][type]) {
      if (suffix !== "" && this.#families.has(name + suffix))
        throw new Error(`${name} clashes with ${name}${suffix}`);
    }
  }
}

function parseLabels(text: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (let at = 0; at < text.length; at = LABEL.lastIndex) {
    LABEL.lastIndex = at;
    const found = LABEL.exec(text);
    if (found === null) throw new Error(`not labels: ${text.slice(at)}`);
    const [, name, value, comma] = found;
    if (labels.has(name)) throw new Error(`the label ${name} twice`);
    if ((comma === "") !== (LABEL.lastIndex === text.length))
      throw new Error("a comma too many, or one is missing");
    labels.set(
      name,
      value.replaceAll(/\\(.)/g, (_escape, character: string) => (character === "n" ? "\n" : character)),
    );
  }
  return labels;
}

/** The same for the same labels, in whatever order. */
function keyOf(labels: ReadonlyMap<string, string>): string {
  return JSON.stringify([...labels].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function toNumber(text: string): number {
  if (text.endsWith("Inf")) return text.startsWith("-") ? -Infinity : Infinity;
  return text.endsWith("NaN") ? Number.NaN : Number(text);
}

/** Buckets ascend, in bound and in count, and the last one holds all. */
function checkHistogram({ name, samples }: ParsedFamily): void {
  const groups = Map.groupBy(samples, ({ labels }) =>
    keyOf(new Map([...labels].filter(([label]) => label !== "le"))),
  );
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    let bound = -Infinity;
    let total = 0;
    for (const { labels, value } of buckets) {
      const le = labels.get("le") ?? "";
      if (toNumber(le) <= bound) throw new Error(`${name}: le=${le} does not ascend`);
      if (!/^(?:\+Inf|\d+\.\d+|\d(?:\.\d+)?e[+-]\d\d)$/.test(le))
        throw new Error(`${name}: le=${le} is spelled otherwise`);
      if (value < total) throw new Error(`${name}: fewer up to ${le} than below it`);
      bound = toNumber(le);
      total = value;
    }
    if (bound !== Infinity) throw new Error(`${name} has no last bucket`);
    const count = group.find((sample) => sample.name === `${name}_count`)?.value;
    if (count !== total) throw new Error(`${name}: ${count} in all, but ${total} in buckets`);
    if (!group.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name} has no sum`);
  }
}

/** Reads OpenMetrics; throws with the first line that is none. */
export function parseOpenMetrics(text: string): Scrape {
  if (!text.endsWith("\n# EOF\n")) throw new Error("does not end with # EOF");
  return parse(text.slice(0, -"# EOF\n".length), "openmetrics");
}

/** Reads the older text format, with the spellings of bounds that OpenMetrics asks for. */
export function parseText(text: string): Scrape {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  return parse(text, "text");
}

function parse(text: string, dialect: Dialect): Scrape {
  const reader = new Reader(dialect);
  for (const [i, line] of text.slice(0, -1).split("\n").entries()) {
    if (line === "" && dialect === "text") continue;
    try {
      reader.line(line);
    } catch (error) {
      throw new Error(`line ${i + 1}: ${error instanceof Error ? error.message : String(error)}: ${line}`, {
        cause: error,
      });
    }
  }
  return reader.end();
}

/** The value of the one sample with this name that has these labels, and maybe more. */
export function valueOf(scrape: Scrape, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const found = samplesOf(scrape, name).filter((sample) =>
    Object.entries(labels).every(([label, value]) => sample.labels.get(label) === value),
  );
  if (found.length !== 1)
    throw new Error(`${found.length} samples of ${name} with ${JSON.stringify(labels)}`);
  return found[0].value;
}

/** All samples of this name. */
export function samplesOf(scrape: Scrape, name: string): readonly ParsedSample[] {
  return [...scrape.values()].flatMap(({ samples }) => samples.filter((sample) => sample.name === name));
}
