import { isValidConfiguredSubject, toWireString } from "../subject/subject.ts";
import { parseDuration } from "./duration.ts";
import {
  ALL_SUBJECTS,
  DEFAULT_RESPONSE_EXPIRES_MS,
  DEFAULT_RESPONSE_MAX,
  type Permissions,
  type ResponseRule,
  type SubjectRules,
} from "./permissions.ts";
import type { ReadContext } from "./read-context.ts";
import { goType, quoted, readInt, readMembers, shown } from "./read-value.ts";
import type { ConfigEntry, ConfigValue, MapValue } from "./value.ts";

/**
 * Permissions as a configuration gives them:
 *
 *     publish: "orders.>"                                   one subject that is allowed, or
 *     publish: ["orders.>", "stock.*"]                      several, or
 *     subscribe: { allow: "orders.>", deny: "orders.*.pay" } and those that are not, or
 *     subscribe: "orders.new workers"                       only in that queue group
 *     allow_responses: true                                 or { max: 5, expires: "1m" }
 *
 * As in nats-server an empty list allows every subject, like none at all.
 */
export function readPermissions(entry: ConfigEntry, context: ReadContext): Permissions | undefined {
  const { report } = context;
  if (entry.value.kind !== "map") {
    return report.error(entry.at, `Expected permissions to be a map/struct, got ${shown(entry.value)}`);
  }
  const found: { publish: SubjectRules; subscribe: SubjectRules; responses: ResponseRule | null } = {
    publish: ALL_SUBJECTS,
    subscribe: ALL_SUBJECTS,
    responses: null,
  };
  const readPublish = (member: ConfigEntry): void => {
    found.publish = readRules(member, false, context);
  };
  const readSubscribe = (member: ConfigEntry): void => {
    found.subscribe = readRules(member, true, context);
  };
  const readResponses = (member: ConfigEntry): void => {
    found.responses = readResponseRule(member, context);
  };
  readMembers(
    entry.value,
    {
      pub: readPublish,
      publish: readPublish,
      import: readPublish,
      sub: readSubscribe,
      subscribe: readSubscribe,
      export: readSubscribe,
      publish_allow_responses: readResponses,
      allow_responses: readResponses,
    },
    context,
    (key) => `Unknown field ${quoted(key)} parsing permissions`,
  );
  const { publish, subscribe, responses } = found;
  if (responses === null) return found;
  // Who may answer what was asked may publish nothing else, unless it is said.
  return { publish: { ...publish, allow: publish.allow ?? [] }, subscribe, responses };
}

function readRules(entry: ConfigEntry, allowsQueue: boolean, context: ReadContext): SubjectRules {
  if (entry.value.kind !== "map") {
    return { allow: orNull(readSubjects(entry, allowsQueue, context)), deny: [] };
  }
  let allow: string[] = [];
  let deny: string[] = [];
  readMembers(
    entry.value,
    {
      allow: (member) => (allow = readSubjects(member, allowsQueue, context)),
      deny: (member) => (deny = readSubjects(member, allowsQueue, context)),
    },
    context,
    (key) =>
      `Unknown field name ${quoted(key)} parsing subject permissions, only 'allow' or 'deny' are permitted`,
  );
  return { allow: orNull(allow), deny };
}

function orNull(subjects: string[]): string[] | null {
  return subjects.length === 0 ? null : subjects;
}

function readSubjects({ value, at }: ConfigEntry, allowsQueue: boolean, { report }: ReadContext): string[] {
  if (value.kind !== "string" && value.kind !== "array") {
    const reason = `Expected subject permissions to be a subject, or array of subjects, got ${goType(value)}`;
    report.error(at, reason);
    return [];
  }
  const subjects: string[] = [];
  for (const item of value.kind === "array" ? value.items : [value]) {
    const subject = subjectOf(item, allowsQueue);
    if ("problem" in subject) report.error(item.kind === "string" ? at : item.at, subject.problem);
    else subjects.push(subject.text);
  }
  return subjects;
}

/** A subject, or where that is allowed a subject and a queue group with one blank between them. */
function subjectOf(item: ConfigValue, allowsQueue: boolean): { text: string } | { problem: string } {
  if (item.kind !== "string") return { problem: "Subject in permissions array cannot be cast to string" };
  const text = item.value;
  if (isSubject(text)) return { text };
  const parts = text.trim().split(/\s+/);
  if (!allowsQueue || parts.length !== 2)
    return { problem: `subject ${quoted(text)} is not a valid subject` };
  const [subject, queue] = parts;
  if (!isSubject(subject)) return { problem: `subject ${quoted(subject)} is not a valid subject` };
  if (!isSubject(queue)) return { problem: `queue ${quoted(queue)} is not a valid queue` };
  return { text: `${subject} ${queue}` };
}

function isSubject(text: string): boolean {
  return isValidConfiguredSubject(toWireString(text));
}

/** `true`, `false`, or a map; 0 stands for the defaults in it. */
function readResponseRule(entry: ConfigEntry, context: ReadContext): ResponseRule | null {
  const { value, at } = entry;
  const rule = { max: DEFAULT_RESPONSE_MAX, expiresMs: DEFAULT_RESPONSE_EXPIRES_MS };
  if (value.kind === "bool") return value.value ? rule : null;
  if (value.kind !== "map") {
    context.report.error(at, "error parsing response permissions, expected a boolean or a map");
    return null;
  }
  readResponseLimits(value, rule, context);
  return rule;
}

function readResponseLimits(
  map: MapValue,
  rule: { max: number; expiresMs: number },
  context: ReadContext,
): void {
  const readMax = (member: ConfigEntry): void => {
    const max = readInt(member, context) ?? 0;
    if (max !== 0) rule.max = Math.max(max, -1);
  };
  const readExpires = (member: ConfigEntry): void => {
    const ms = expiresOf(member.value);
    if (typeof ms === "string") context.report.error(member.at, ms);
    else if (ms !== 0) rule.expiresMs = ms;
  };
  readMembers(
    map,
    {
      max: readMax,
      max_msgs: readMax,
      max_messages: readMax,
      max_responses: readMax,
      expires: readExpires,
      expiration: readExpires,
      ttl: readExpires,
    },
    context,
    (key) => `Unknown field ${quoted(key)} parsing permissions`,
  );
}

/** Milliseconds; text: what is wrong. */
function expiresOf(value: ConfigValue): number | string {
  if (value.kind !== "string") return "error parsing expires, not a duration string";
  const duration = parseDuration(value.value);
  return "problem" in duration ? `error parsing expires: ${duration.problem}` : duration.ms;
}
