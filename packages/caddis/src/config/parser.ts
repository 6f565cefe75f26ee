import { ConfigError } from "./config-error.ts";
import { END_OF_TEXT, Lexer } from "./lexer.ts";
import {
  NESTING_DEPTH_MAX,
  type ConfigEntry,
  type ConfigValue,
  type MapValue,
  type Position,
} from "./value.ts";

/**
 * The configuration language, a superset of JSON:
 *
 *     document  a map's entries; braces around them are optional
 *     entry     key [':' | '='] value, or: include path
 *     value     scalar | '[' items ']' | '{' entries '}' | $name
 *     end       line break, comment, ',' or ';' ends an entry or an item ( ';' not in lists)
 *
 * `$name` stands for the nearest earlier key of that name in the enclosing maps of the same file, else for
 * the environment variable, whose text is read as a value. A later key replaces an earlier one.
 */

/** The world, as far as a configuration asks for it. */
export interface ConfigSource {
  /** The path of the text itself: positions name it, and includes are resolved from it. */
  readonly file: string;
  /** Returns an included file's text; throws an `Error` that says why it cannot. */
  readonly readFile: (path: string) => string;
  /** Returns an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** Returns the path to open for `include path` in `file`. */
  readonly resolvePath: (file: string, path: string) => string;
}

/** Characters of all texts of one configuration: far above any real one, low enough to read in a second. */
export const TEXT_LENGTH_MAX = 16 * 1024 * 1024;
/** What a text counts at least: files and variables that name one another many times over end early. */
const TEXT_LENGTH_COUNTED_MIN = 1024;
/** Files that include one another, and variables of the environment that name one another. */
export const INCLUDE_DEPTH_MAX = 16;
/** What variables may add by being repeated, in characters and values: ten lines must not become gigabytes. */
export const EXPANSION_MAX = 16 * 1024 * 1024;

/** Reads a configuration text. Throws a `ConfigError`, and nothing else, when it is not one. */
export function parseConfig(text: string, source: ConfigSource): MapValue {
  const budget = { textLength: 0, expansion: 0 };
  const parser = new Parser(text, source, budget, { files: [source.file], envNames: [], depth: 0 });
  return parser.document();
}

/** What all files of one configuration spend together. */
interface Budget {
  textLength: number;
  expansion: number;
}

/** How the parser got here. */
interface Trail {
  readonly files: readonly string[];
  readonly envNames: readonly string[];
  readonly depth: number;
}

type Entries = Map<string, ConfigEntry>;

class Parser {
  readonly #lexer: Lexer;
  readonly #source: ConfigSource;
  readonly #budget: Budget;
  readonly #trail: Trail;
  /** The maps being read, outermost first: where variables are looked up. */
  readonly #scopes: Entries[] = [];
  #depth: number;

  constructor(text: string, source: ConfigSource, budget: Budget, trail: Trail) {
    this.#lexer = new Lexer(text, source.file);
    this.#source = source;
    this.#budget = budget;
    this.#trail = trail;
    this.#depth = trail.depth;
    budget.textLength += Math.max(text.length, TEXT_LENGTH_COUNTED_MIN);
    if (budget.textLength > TEXT_LENGTH_MAX) {
      throw this.#lexer.fault(`the configuration is longer than ${TEXT_LENGTH_MAX} characters`);
    }
  }

  /** A whole file. Braces around all of it are optional, and a closing one too many is tolerated. */
  document(): MapValue {
    const lexer = this.#lexer;
    const at = lexer.position();
    const entries: Entries = new Map();
    const openBraces: Position[] = [];
    this.#scopes.push(entries);
    for (;;) {
      lexer.skipSpacesAndComments();
      const next = lexer.peek();
      if (next === END_OF_TEXT) break;
      if (next === "{") {
        openBraces.push(lexer.position());
        lexer.advance();
      } else if (next === "}") {
        this.#closingBrace(openBraces);
      } else {
        this.#entry(entries);
        this.#endOfEntry("Expected a top-level value to end with a new line, comment or EOF,");
      }
    }
    const open = openBraces.pop();
    if (open !== undefined) throw lexer.fault("Unexpected EOF: this '{' is not closed", open);
    return { kind: "map", entries, at };
  }

  /** One closing brace too many is let pass where nothing follows: such files are about and work. */
  #closingBrace(openBraces: Position[]): void {
    const lexer = this.#lexer;
    const at = lexer.position();
    lexer.advance();
    if (openBraces.pop() !== undefined) return;
    lexer.skipSpacesAndComments();
    if (lexer.peek() !== END_OF_TEXT) throw lexer.fault("Unexpected '}': no '{' is open", at);
  }

  /** The text of an environment variable: one value and nothing behind it. */
  environmentValue(at: Position): ConfigValue {
    const lexer = this.#lexer;
    const value = this.#value(at);
    this.#endOfEntry("Expected the value to end,");
    lexer.skipSpacesAndComments();
    if (lexer.peek() !== END_OF_TEXT)
      throw lexer.fault(`Expected one value, but got ${lexer.describeNext()} behind it`);
    return value;
  }

  #entry(entries: Entries): void {
    const lexer = this.#lexer;
    const key = lexer.readKey();
    if (!key.quoted && key.text.toLowerCase() === "include" && /[ \t\r\n]/.test(lexer.peek())) {
      lexer.skipBlanks();
      this.#include(entries, key.at);
      return;
    }
    lexer.skipSpaces();
    const next = lexer.peek();
    if (next === END_OF_TEXT) throw lexer.fault(`config is invalid: key "${key.text}" has no value`);
    if (next === ":" || next === "=") {
      lexer.advance();
      lexer.skipBlanks();
    }
    const first = lexer.peek();
    if (this.#scopes.length > 1 && (first === "," || first === "}")) {
      throw lexer.fault(`Unexpected map value terminator '${first}'.`);
    }
    set(entries, { key: key.text, value: this.#value(key.at), at: key.at, usedAsVariable: false });
  }

  /** Reads the value at hand; `at` is the place it is known by, its key's when it has one. */
  #value(at: Position): ConfigValue {
    const lexer = this.#lexer;
    const next = lexer.peek();
    if (next === "[") return this.#array(at);
    if (next === "{") return this.#map(at);
    const scalar = lexer.readScalar();
    if (scalar.kind === "variable") return { ...this.#variable(scalar.name, at), at };
    return { ...scalar, at };
  }

  #array(at: Position): ConfigValue {
    const lexer = this.#lexer;
    const opened = lexer.position();
    const items: ConfigValue[] = [];
    this.#enter();
    lexer.advance();
    for (;;) {
      lexer.skipSpacesAndComments();
      const next = lexer.peek();
      if (next === "]") break;
      if (next === END_OF_TEXT) throw lexer.fault("Unexpected EOF: this '[' is not closed", opened);
      if (next === ",") throw lexer.fault("Unexpected array value terminator ','.");
      items.push(this.#value(lexer.position()));
      this.#endOfItem(opened);
    }
    lexer.advance();
    this.#depth--;
    return { kind: "array", items, at };
  }

  /** An item ends with a line break, a comment, ',' or, not consumed, ']'. */
  #endOfItem(opened: Position): void {
    const lexer = this.#lexer;
    lexer.skipBlanks();
    if (lexer.skipComment()) return;
    const next = lexer.peek();
    if (next === END_OF_TEXT) throw lexer.fault("Unexpected EOF: this '[' is not closed", opened);
    if (next === "," || next === "\n" || next === "\r") lexer.advance();
    else if (next !== "]") {
      throw lexer.fault(
        `Expected an array value terminator "," or an array terminator "]", but got ${lexer.describeNext()} instead.`,
      );
    }
  }

  #map(at: Position): ConfigValue {
    const lexer = this.#lexer;
    const opened = lexer.position();
    const entries: Entries = new Map();
    this.#enter();
    this.#scopes.push(entries);
    lexer.advance();
    for (;;) {
      lexer.skipSpacesAndComments();
      const next = lexer.peek();
      if (next === "}") break;
      if (next === END_OF_TEXT) throw lexer.fault("Unexpected EOF: this '{' is not closed", opened);
      this.#entry(entries);
      this.#endOfEntry('Expected a map value terminator "," or a map terminator "}",');
    }
    lexer.advance();
    this.#scopes.pop();
    this.#depth--;
    return { kind: "map", entries, at };
  }

  /** An entry ends with a line break, a comment, ',', ';' or, not consumed, '}' or the end of the text. */
  #endOfEntry(expected: string): void {
    const lexer = this.#lexer;
    lexer.skipBlanks();
    if (lexer.skipComment()) return;
    const next = lexer.peek();
    if (next === "," || next === ";" || next === "\n" || next === "\r") lexer.advance();
    else if (next !== "}" && next !== END_OF_TEXT) {
      throw lexer.fault(`${expected} but got ${lexer.describeNext()} instead.`);
    }
  }

  #enter(): void {
    if (++this.#depth > NESTING_DEPTH_MAX) throw this.#tooDeep(this.#lexer.position());
  }

  #tooDeep(at: Position): ConfigError {
    return ConfigError.at(at, `lists and maps are nested deeper than ${NESTING_DEPTH_MAX}`);
  }

  /** Reads the file named next and adds its entries; its own variables are not those of this file. */
  #include(entries: Entries, at: Position): void {
    const name = this.#lexer.readIncludePath();
    const file = this.#source.resolvePath(this.#source.file, name);
    const { files } = this.#trail;
    if (files.includes(file)) throw ConfigError.at(at, `include '${name}' includes itself`);
    if (files.length > INCLUDE_DEPTH_MAX) {
      throw ConfigError.at(at, `files include one another deeper than ${INCLUDE_DEPTH_MAX}`);
    }
    let text: string;
    try {
      text = this.#source.readFile(file);
    } catch (error) {
      throw ConfigError.at(at, `error parsing include file '${name}', ${reasonOf(error)}`);
    }
    const trail = { files: [...files, file], envNames: [], depth: this.#depth };
    const included = new Parser(text, { ...this.#source, file }, this.#budget, trail).document();
    for (const entry of included.entries.values()) set(entries, entry);
  }

  #variable(name: string, at: Position): ConfigValue {
    for (const scope of this.#scopes.toReversed()) {
      const entry = scope.get(name);
      if (entry === undefined) continue;
      entry.usedAsVariable = true;
      this.#budget.expansion += weightOf(entry.value);
      if (this.#budget.expansion > EXPANSION_MAX) {
        throw ConfigError.at(at, `variables expand to more than ${EXPANSION_MAX} characters`);
      }
      if (this.#depth + heightOf(entry.value) > NESTING_DEPTH_MAX) throw this.#tooDeep(at);
      return entry.value;
    }
    return this.#environment(name, at);
  }

  #environment(name: string, at: Position): ConfigValue {
    const text = this.#source.env(name);
    if (text === undefined) {
      throw ConfigError.at(at, `variable reference for '${name}' on line ${at.line} can not be found`);
    }
    const problem = `variable reference for '${name}' on line ${at.line} could not be parsed`;
    const { envNames } = this.#trail;
    if (envNames.includes(name))
      throw ConfigError.at(at, `${problem}: variable reference cycle for '${name}'`);
    if (envNames.length >= INCLUDE_DEPTH_MAX) {
      throw ConfigError.at(at, `${problem}: variables name one another deeper than ${INCLUDE_DEPTH_MAX}`);
    }
    const trail = { files: this.#trail.files, envNames: [...envNames, name], depth: this.#depth };
    const source = { ...this.#source, file: `$${name}` };
    try {
      return new Parser(text, source, this.#budget, trail).environmentValue(at);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw ConfigError.at(at, `${problem}: ${error.message}`);
    }
  }
}

/** Sets an entry; one given again moves to its last place. */
function set(entries: Entries, entry: ConfigEntry): void {
  entries.delete(entry.key);
  entries.set(entry.key, entry);
}

/** What a copy of `value` costs: its values, keys and characters. */
function weightOf(value: ConfigValue): number {
  if (value.kind === "string") return 1 + value.value.length;
  if (value.kind === "array") return value.items.reduce((sum, item) => sum + weightOf(item), 1);
  if (value.kind !== "map") return 1;
  let weight = 1;
  for (const entry of value.entries.values()) weight += entry.key.length + weightOf(entry.value);
  return weight;
}

/** How many lists and maps stand inside one another in `value`. */
function heightOf(value: ConfigValue): number {
  if (value.kind !== "array" && value.kind !== "map") return 0;
  const inner =
    value.kind === "array" ? value.items : [...value.entries.values()].map((entry) => entry.value);
  return inner.reduce((height, item) => Math.max(height, 1 + heightOf(item)), 1);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
