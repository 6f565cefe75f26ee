import type { Found, FoundMessage, FoundStream } from "./found.ts";
import type { Sent, StreamLedger } from "./stream-ledger.ts";

/**
 * How what is found differs from what was promised: something is `missing`, or `told` to be; something that was removed
 * is `back`; what is served is `wrong`, or figures do not fit it.
 */
export interface Finding {
  readonly stream: string;
  readonly kind: "missing" | "told" | "back" | "figures" | "wrong";
  readonly text: string;
}

/** When something is compared. */
export interface Moment {
  readonly nowMs: number;
  /** What has expired at this time is gone. */
  readonly expiredMs: number;
  /** Copies had the time to catch up. */
  readonly hasCopied: boolean;
}

const MARKER = /^Nats-Marker-Reason:/m;

/** Compares all that is found with all that was promised. */
export function compare(ledgers: ReadonlyMap<string, StreamLedger>, found: Found, moment: Moment): Finding[] {
  const findings: Finding[] = [];
  for (const name of found.keys()) {
    if (!ledgers.has(name)) findings.push({ stream: name, kind: "wrong", text: "nobody made it" });
  }
  for (const ledger of ledgers.values()) {
    const { name, presence } = ledger;
    const stream = found.get(name);
    if (stream === undefined) {
      if (presence === "yes") findings.push({ stream: name, kind: "missing", text: "the stream" });
    } else if (stream === null) {
      findings.push({ stream: name, kind: "missing", text: "the stream can't be served" });
    } else if (presence === "no") {
      findings.push({ stream: name, kind: "back", text: "the stream" });
    } else {
      compareStream(ledger, stream, moment, (kind, text) => findings.push({ stream: name, kind, text }));
      const origin = moment.hasCopied ? found.get(ledger.terms.copies) : undefined;
      const originLedger = ledgers.get(ledger.terms.copies);
      if (origin !== undefined && origin !== null && originLedger !== undefined)
        compareCopy(originLedger, origin, stream, (kind, text) =>
          findings.push({ stream: name, kind, text }),
        );
    }
  }
  return findings;
}

type Tell = (kind: Finding["kind"], text: string) => void;

function compareStream(ledger: StreamLedger, stream: FoundStream, moment: Moment, tell: Tell): void {
  compareState(ledger, stream, tell);
  if (!ledger.descriptions.has(stream.description))
    tell("wrong", `its description is '${stream.description}', not ${[...ledger.descriptions].join(" or ")}`);
  if (ledger.terms.isCounter) compareCounts(ledger, stream, tell);
  else if (ledger.terms.copies === "") compareMessages(ledger, stream, moment, tell);
}

/** Whether figures fit what is served, and no sequence is given out twice. */
function compareState(ledger: StreamLedger, { state, messages }: FoundStream, tell: Tell): void {
  const isWhole = state.lost === undefined;
  if (!isWhole) tell("told", "it says that it has lost messages");
  if (state.messages !== messages.length)
    tell("figures", `it has ${messages.length} messages and says ${state.messages}`);
  if (messages.length > 0 && isWhole && messages[0].seq !== state.first_seq)
    tell("figures", `it begins with ${messages[0].seq} and says ${state.first_seq}`);
  const gaps = messages.length === 0 ? 0 : state.last_seq - state.first_seq + 1 - messages.length;
  if (isWhole && gaps !== (state.num_deleted ?? 0))
    tell("figures", `${gaps} are missing inside and it says ${state.num_deleted ?? 0}`);
  const subjects = new Set(messages.map(({ subject }) => subject)).size;
  if (subjects !== (state.num_subjects ?? 0))
    tell("figures", `it has ${subjects} subjects and says ${state.num_subjects ?? 0}`);
  if (ledger.terms.copies !== "") return;
  if (state.last_seq < ledger.lastSeq)
    tell("wrong", `${ledger.lastSeq} was given out, and it ends with ${state.last_seq}`);
}

function compareMessages(ledger: StreamLedger, { messages }: FoundStream, moment: Moment, tell: Tell): void {
  const there = new Map<string, FoundMessage>();
  const { maxMsgs, maxMsgsPerSubject } = ledger.terms;
  const perSubject = new Map<string, number>();
  const order = new Map([...ledger.sent.keys()].map((text, i) => [text, i]));
  let latest = -1;
  for (const message of messages) {
    perSubject.set(message.subject, (perSubject.get(message.subject) ?? 0) + 1);
    if (MARKER.test(message.headers)) continue;
    const shown = `${message.seq} (${message.text.slice(0, 20)})`;
    const sent = ledger.sent.get(message.text);
    if (sent === undefined || sent.subject !== message.subject) {
      tell("wrong", `${shown} was never sent to '${message.subject}'`);
      continue;
    }
    if (there.has(message.text)) tell("wrong", `${shown} is there twice`);
    there.set(message.text, message);
    if (sent.seq > 0 && sent.seq !== message.seq) tell("wrong", `${shown} was acknowledged as ${sent.seq}`);
    if (sent.gone === "yes") tell("back", `${shown} was removed`);
    if (isExpired(ledger, sent, moment.expiredMs)) tell("back", `${shown} has expired`);
    const place = order.get(message.text) ?? 0;
    if (place < latest) tell("wrong", `${shown} is out of order`);
    latest = Math.max(latest, place);
  }
  if (maxMsgs > 0 && messages.length > maxMsgs) tell("back", `${messages.length} messages of ${maxMsgs}`);
  for (const [subject, count] of perSubject) {
    if (maxMsgsPerSubject > 0 && count > maxMsgsPerSubject)
      tell("back", `${count} messages of ${maxMsgsPerSubject} for '${subject}'`);
  }
  findMissing(ledger, there, moment.nowMs, tell);
}

function findMissing(
  ledger: StreamLedger,
  there: ReadonlyMap<string, FoundMessage>,
  nowMs: number,
  tell: Tell,
): void {
  const { maxMsgs, maxMsgsPerSubject } = ledger.terms;
  const later = new Map<string, number>();
  let laterInAll = 0;
  const parts = new Map<number, { there: boolean; missing: boolean }>();
  for (const sent of [...ledger.sent.values()].toReversed()) {
    const ofSubject = later.get(sent.subject) ?? 0;
    const mayBeGone =
      sent.gone !== "no" ||
      isExpired(ledger, sent, nowMs) ||
      (maxMsgs > 0 && laterInAll >= maxMsgs) ||
      (maxMsgsPerSubject > 0 && ofSubject >= maxMsgsPerSubject);
    const isThere = there.has(sent.text);
    if (!isThere && sent.seq > 0 && !mayBeGone)
      tell("missing", `${sent.seq} (${sent.text.slice(0, 20)}) was acknowledged`);
    if (sent.batch > 0 && !mayBeGone) {
      const part = parts.get(sent.batch) ?? { there: false, missing: false };
      parts.set(sent.batch, { there: part.there || isThere, missing: part.missing || !isThere });
    }
    later.set(sent.subject, ofSubject + 1);
    laterInAll++;
  }
  for (const part of parts.values()) {
    if (part.there && part.missing) tell("missing", "a part of a batch");
  }
}

function isExpired({ terms }: StreamLedger, { sentMs, dueMs }: Sent, nowMs: number): boolean {
  return nowMs >= dueMs || (terms.maxAgeMs > 0 && nowMs >= sentMs + terms.maxAgeMs);
}

function compareCounts(ledger: StreamLedger, { messages }: FoundStream, tell: Tell): void {
  for (const [subject, { certain, possible }] of ledger.counts) {
    const last = messages.findLast((message) => message.subject === subject);
    const value = last === undefined ? 0 : Number((JSON.parse(last.text) as { val: string }).val);
    if (value < certain) tell("missing", `'${subject}' is ${value}, of ${certain}`);
    if (value > possible) tell("wrong", `'${subject}' is ${value}, of ${possible}`);
  }
}

/** A copy has what is in its origin, once and in order, and nothing that never was in it. */
function compareCopy(ledger: StreamLedger, origin: FoundStream, copy: FoundStream, tell: Tell): void {
  const copied = copy.messages.map(({ text }) => text);
  const seen = new Set(copied);
  if (seen.size < copied.length) tell("wrong", "messages were copied twice");
  const order = new Map([...ledger.sent.keys()].map((text, i) => [text, i]));
  let latest = -1;
  for (const text of copied) {
    const place = order.get(text);
    if (place === undefined) {
      tell("wrong", `${text.slice(0, 20)} was never in '${origin.name}'`);
      continue;
    }
    if (place < latest) tell("wrong", `${text.slice(0, 20)} is out of order`);
    latest = place;
  }
  for (const { text } of origin.messages) {
    if (!seen.has(text)) tell("missing", `${text.slice(0, 20)} was not copied`);
  }
}
