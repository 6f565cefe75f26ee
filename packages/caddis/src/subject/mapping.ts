import { goQuote } from "../base/go-quote.ts";
import { SourcePattern } from "./source-pattern.ts";
import { fromWireString, isValidConfiguredSubject, toWireString } from "./subject.ts";
import { checkDestination, SubjectTransform, TransformError } from "./transform.ts";
import type { TransformRandom } from "./transform-part.ts";

/** One of several subjects that a mapping may lead to. */
export interface MappingDestination {
  /** A transform's destination, as text. */
  readonly subject: string;
  /** Share of the messages in percent, a whole number from 0 to 100. */
  readonly weight: number;
  /** Name of the cluster in which it applies; empty or absent for those that have none of their own. */
  readonly cluster?: string;
}

/** A mapping as configured: texts, not wire strings. */
export interface MappingInput {
  /** The subjects it applies to, wildcards allowed. */
  readonly source: string;
  /** A single destination for every message, or weighted ones. */
  readonly destinations: string | readonly MappingDestination[];
}

/** What decides about weights and clusters. */
export interface MappingContext {
  /** This server's cluster; empty when it is in none. */
  readonly clusterName: string;
  readonly random: TransformRandom;
}

/** The sum of all weights, and the most that one may be. */
const WEIGHT_MAX = 100;

/** A destination with the part of [0, 100) it stands for. */
interface Choice {
  /** Where its part ends; it begins where the one before ends. */
  readonly until: number;
  /** Null leaves the subject as it is. */
  readonly transform: SubjectTransform | null;
}

/** The destinations of one cluster and the sum of their weights. */
interface Group {
  weight: number;
  readonly choices: Choice[];
}

/**
 * A mapping, compiled for one cluster. What its weights leave of 100 percent stays on the original subject,
 * unless some destination names the source itself: then that rest is meant to be lost.
 */
class SubjectMapping {
  /** The source as a wire string. */
  readonly source: string;
  readonly pattern: SourcePattern;
  readonly #choices: readonly Choice[];

  private constructor(source: string, choices: readonly Choice[]) {
    this.source = source;
    this.pattern = new SourcePattern(source);
    this.#choices = choices;
  }

  /** Compiles a mapping, or says what is wrong with it in the reference's words. */
  static compile(input: MappingInput, clusterName: string): SubjectMapping | string {
    const source = toWireString(input.source);
    if (!isValidConfiguredSubject(source)) return "invalid subject";
    const seen = new Set<string>();
    const fallback: Group = { weight: 0, choices: [] };
    const groups = new Map([["", fallback]]);
    for (const { subject, weight, cluster = "" } of destinationsOf(input)) {
      if (seen.has(subject)) return `duplicate entry for ${quote(subject)}`;
      seen.add(subject);
      if (!Number.isInteger(weight) || weight < 0) return "individual weights need to be whole numbers >= 0";
      if (weight > WEIGHT_MAX) return "individual weights need to be <= 100";
      const group = groups.get(cluster) ?? { weight: 0, choices: [] };
      groups.set(cluster, group);
      group.weight += weight;
      if (group.weight > WEIGHT_MAX) return "total weight needs to be <= 100";
      const transform = compileDestination(source, toWireString(subject));
      if (transform instanceof TransformError) return transform.message;
      group.choices.push({ until: group.weight, transform });
    }
    const { weight, choices } = groups.get(clusterName) ?? fallback;
    const lossIsMeant = seen.has(input.source);
    if (weight < WEIGHT_MAX && !lossIsMeant) choices.push({ until: WEIGHT_MAX, transform: null });
    return new SubjectMapping(source, choices);
  }

  /** Where a message to `subject`, which the pattern covers, goes; empty when it is to be lost. */
  map(subject: string, random: TransformRandom): string {
    const choice = this.#choose(random);
    if (choice === null) return "";
    return choice.transform === null ? subject : choice.transform.transform(subject, random);
  }

  #choose(random: TransformRandom): Choice | null {
    const choices = this.#choices;
    if (choices.length === 1 && choices[0].until === WEIGHT_MAX) return choices[0];
    const drawn = random.below(WEIGHT_MAX);
    for (const choice of choices) {
      if (drawn < choice.until) return choice;
    }
    return null;
  }
}

/**
 * The mappings of one account. They decide about each message a client publishes, once, before permissions
 * are checked. An exact source comes before those with wildcards, which are tried in the given order; the
 * reference tries all in an order that changes with each start (probed), so nobody can rely on another one.
 */
export class MappingTable {
  readonly #random: TransformRandom;
  readonly #literals = new Map<string, SubjectMapping>();
  readonly #patterns: SubjectMapping[] = [];

  private constructor(mappings: Iterable<SubjectMapping>, random: TransformRandom) {
    this.#random = random;
    for (const mapping of mappings) {
      if (mapping.pattern.isLiteral) this.#literals.set(mapping.source, mapping);
      else this.#patterns.push(mapping);
    }
  }

  /**
   * Compiles an account's mappings, or gives the error of the first bad one. A source that comes twice
   * counts as it comes last. A server whose cluster gets another name compiles them anew.
   */
  static compile(inputs: readonly MappingInput[], context: MappingContext): MappingTable | string {
    const mappings = new Map<string, SubjectMapping>();
    for (const input of inputs) {
      const mapping = SubjectMapping.compile(input, context.clusterName);
      if (typeof mapping === "string") return describe(input, mapping);
      mappings.set(mapping.source, mapping);
    }
    return new MappingTable(mappings.values(), context.random);
  }

  /** How many mappings there are; with none, callers need not ask. */
  get size(): number {
    return this.#literals.size + this.#patterns.length;
  }

  /**
   * Where a message published to `subject`, a wire string, goes: to the same string when no mapping
   * applies, and nowhere when the answer is empty, since its mapping's weights let it get lost.
   */
  map(subject: string): string {
    const mapping = this.#find(subject);
    return mapping === undefined ? subject : mapping.map(subject, this.#random);
  }

  #find(subject: string): SubjectMapping | undefined {
    const literal = this.#literals.size > 0 ? this.#literals.get(subject) : undefined;
    if (literal !== undefined) return literal;
    for (const mapping of this.#patterns) {
      if (mapping.pattern.covers(subject)) return mapping;
    }
    return undefined;
  }
}

/** What is wrong with a mapping, in the words of the reference's configuration errors, or null. */
export function checkMapping(input: MappingInput): string | null {
  const mapping = SubjectMapping.compile(input, "");
  return typeof mapping === "string" ? describe(input, mapping) : null;
}

function destinationsOf({ destinations }: MappingInput): readonly MappingDestination[] {
  if (typeof destinations !== "string") return destinations;
  return [{ subject: destinations, weight: WEIGHT_MAX }];
}

function compileDestination(source: string, destination: string): SubjectTransform | TransformError {
  // An empty destination passes the reference's check, which then crashes on the first message.
  return checkDestination(destination) ?? SubjectTransform.compile(source, destination);
}

function describe({ source, destinations }: MappingInput, problem: string): string {
  if (!isValidConfiguredSubject(toWireString(source)))
    return `Subject ${quote(source)} is not a valid subject`;
  // The reference names the destination only where it stands alone, and leaves a blank before the colon.
  const target = typeof destinations === "string" ? ` to ${quote(destinations)}` : "";
  return `Error adding mapping for ${quote(source)}${target} : ${problem}`;
}

/** Text in quotes, as the reference's error texts have it. */
function quote(text: string): string {
  return fromWireString(goQuote(toWireString(text)));
}
