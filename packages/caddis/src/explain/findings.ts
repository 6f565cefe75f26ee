import type { Steps } from "../base/steps.ts";
import type { Client } from "../broker/client.ts";
import { CONNECTION_FINDINGS, isLookedAt } from "./connection-findings.ts";
import { type ExplainedServer, type Facts } from "./facts.ts";
import {
  finding,
  type ConnectionFindingKind,
  type Finding,
  type FindingKind,
  type Severity,
} from "./finding.ts";
import { JETSTREAM_FINDINGS } from "./jetstream-findings.ts";
import { Lately } from "./lately.ts";
import { PROCESS_FINDINGS } from "./process-findings.ts";
import { SECURITY_FINDINGS } from "./security-findings.ts";
import { TRAFFIC_FINDINGS } from "./traffic-findings.ts";

const SERVER_FINDINGS = [
  ...TRAFFIC_FINDINGS,
  ...SECURITY_FINDINGS,
  ...PROCESS_FINDINGS,
  ...JETSTREAM_FINDINGS,
];

/** Everything that may be found, by its number; `docs/findings.md` lists it. */
export const FINDING_KINDS: readonly FindingKind[] = [...CONNECTION_FINDINGS, ...SERVER_FINDINGS].sort(
  (a, b) => a.number - b.number,
);

/** Connections that a finding names; how many there are is told besides. */
const CONNECTIONS_NAMED_MAX = 10;

/** Open connections that are looked at in one step: reading a certificate takes some 20 microseconds. */
const CLIENTS_PER_STEP = 32;

const SEVERITIES: readonly Severity[] = ["error", "warning", "info"];

/** Takes stock, bit by bit. `loopDelayMs`: see `loopDelay`. */
export function* factsOf(server: ExplainedServer, loopDelayMs: number): Steps<Facts> {
  const { broker, resources, surroundings = null, configDigest, jetStream = null } = server;
  const nowMs = broker.clock.nowMs();
  const lately = yield* Lately.of(broker, nowMs);
  return { broker, resources, surroundings, configDigest, jetStream, nowMs, loopDelayMs, lately };
}

/** All findings, the worst first; bit by bit. */
export function* findings(facts: Facts): Steps<Finding[]> {
  const tallies = CONNECTION_FINDINGS.map((kind) => new Tally(kind));
  let looked = 0;
  for (const client of facts.broker.clients.values()) {
    if (isLookedAt(client)) for (const tally of tallies) tally.look(client, facts);
    if (++looked % CLIENTS_PER_STEP === 0) yield;
  }
  const found = tallies.flatMap((tally) => tally.finding() ?? []);
  for (const kind of SERVER_FINDINGS) {
    const answer = kind.find(facts);
    const detail = answer === null || typeof answer === "string" ? answer : yield* answer;
    if (detail !== null) found.push(finding(kind, detail));
    yield;
  }
  const rank = ({ severity }: Finding): number => SEVERITIES.indexOf(severity);
  return found.sort((a, b) => rank(a) - rank(b) || a.number - b.number);
}

/** What is found about one open connection. */
export function findingsAbout(client: Client, facts: Facts): Finding[] {
  if (!isLookedAt(client)) return [];
  return CONNECTION_FINDINGS.flatMap((kind) => {
    const detail = kind.find(client, facts);
    return detail === null ? [] : [finding(kind, detail)];
  });
}

/** The connections that one kind of finding is about. */
class Tally {
  readonly #kind: ConnectionFindingKind;
  readonly #named: number[] = [];
  #count = 0;
  #detail = "";

  constructor(kind: ConnectionFindingKind) {
    this.#kind = kind;
  }

  look(client: Client, facts: Facts): void {
    const detail = this.#kind.find(client, facts);
    if (detail === null) return;
    if (this.#count++ === 0) this.#detail = `connection ${client.cid}: ${detail}`;
    if (this.#named.length < CONNECTIONS_NAMED_MAX) this.#named.push(client.cid);
  }

  finding(): Finding | null {
    if (this.#count === 0) return null;
    const more = this.#count === 1 ? "" : `; and ${this.#count - 1} more`;
    return finding(this.#kind, this.#detail + more, this.#named, this.#count);
  }
}
