/**
 * Counters: streams whose messages carry an increment (`Nats-Incr`) and are stored with the sum of their subject.
 * Numbers have any length. A counter that sources others remembers what it has of each in `Nats-Counter-Sources`, so
 * that it adds only what is new there.
 */

import { goJsonText } from "./counter-json.ts";

const INTEGER = /^[+-]?\d+$/;

/** An increment as a header says it, or a counter's value; null for what is no number. */
export function parseIncrement(text: string): bigint | null {
  return INTEGER.test(text) ? BigInt(text.startsWith("+") ? text.slice(1) : text) : null;
}

/** What a counter's last message says. Texts are UTF-8 as JavaScript has it, not wire strings. */
export interface CounterState {
  readonly total: bigint;
  readonly sources: CounterSources;
}

/** By stream and by subject there, the value that is part of the total. */
export type CounterSources = ReadonlyMap<string, ReadonlyMap<string, string>>;

export const NEW_COUNTER: CounterState = { total: 0n, sources: new Map() };

/**
 * Reads a counter's last message: `payload` is `{"val":"n"}`, `sourcesHeader` what `Nats-Counter-Sources` says there,
 * empty when it is not. Null: the counter is broken.
 */
export function readCounter(payload: string, sourcesHeader: string): CounterState | null {
  const total = readValue(payload);
  if (total === null) return null;
  if (sourcesHeader === "") return { total, sources: NEW_COUNTER.sources };
  const sources = readSources(sourcesHeader);
  return sources === null ? null : { total, sources };
}

/** A counter after `increment`. */
export function incremented(counter: CounterState, increment: bigint): CounterState {
  return { total: counter.total + increment, sources: counter.sources };
}

/** Where a message that a counter sources comes from, and what its payload says. */
export interface CounterOrigin {
  readonly stream: string;
  readonly subject: string;
  readonly payload: string;
}

/**
 * A counter after a message of another one, which counts with what it has changed since the last message of that one;
 * `increment` takes the place of the one in its header. Null: the other one is broken.
 */
export function sourced(
  counter: CounterState,
  origin: CounterOrigin,
): { readonly counter: CounterState; readonly increment: bigint } | null {
  const value = readValue(origin.payload);
  if (value === null) return null;
  const ofStream = counter.sources.get(origin.stream);
  const previous = parseIncrement(ofStream?.get(origin.subject) ?? "") ?? 0n;
  const subjects = new Map(ofStream).set(origin.subject, value.toString());
  const sources = new Map(counter.sources).set(origin.stream, subjects);
  const increment = value - previous;
  return { counter: { total: counter.total + increment, sources }, increment };
}

/** What is stored: the payload of a counter's message. */
export function counterPayload({ total }: CounterState): string {
  return `{"val":"${total}"}`;
}

/** What `Nats-Counter-Sources` says of `counter`, names in order; empty: the header is left out. */
export function counterSourcesHeader({ sources }: CounterState): string {
  if (sources.size === 0) return "";
  const streams = sorted(sources).map(([stream, subjects]) => {
    const values = sorted(subjects).map(([subject, value]) => `${goJsonText(subject)}:${goJsonText(value)}`);
    return `${goJsonText(stream)}:{${values.join(",")}}`;
  });
  return `{${streams.join(",")}}`;
}

/** The value that a counter's payload says; a text that is no number counts as none. Null: not such a payload. */
function readValue(payload: string): bigint | null {
  const object = readObject(payload);
  if (object === null) return null;
  let text = "";
  for (const [key, value] of object) {
    if (key.toLowerCase() !== "val" || value === null) continue;
    if (typeof value !== "string") return null;
    text = value;
  }
  return parseIncrement(text) ?? 0n;
}

function readSources(header: string): CounterSources | null {
  const streams = readObject(header);
  if (streams === null) return null;
  const sources = new Map<string, ReadonlyMap<string, string>>();
  for (const [stream, subjects] of streams) {
    const values = new Map<string, string>();
    for (const [subject, value] of entriesOf(subjects) ?? [["", 0]]) {
      if (typeof value !== "string") return null;
      values.set(subject, value);
    }
    sources.set(stream, values);
  }
  return sources;
}

function readObject(json: string): readonly (readonly [string, unknown])[] | null {
  try {
    return entriesOf(JSON.parse(json));
  } catch {
    return null;
  }
}

/** `null` is an empty object, as for the reference. Null: not an object. */
function entriesOf(value: unknown): readonly (readonly [string, unknown])[] | null {
  if (value === null) return [];
  return typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : null;
}

function sorted<Value>(map: ReadonlyMap<string, Value>): readonly (readonly [string, Value])[] {
  return [...map].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
