/**
 * A process that attacks: opens so many connections, lets each do what its attack does, and tells when all have
 * begun and when all are closed.
 */
import type { Socket } from "node:net";
import { constants, setPriority } from "node:os";
import { FLOOD_ATTACKS, type FloodTarget } from "./flood-attacks.ts";

/** Connections that may be on their way at a time: below a listener's backlog. */
const AT_ONCE = 256;

/** What it is asked to do. */
export interface FloodOrder {
  /** Names; connections take them in turn. */
  readonly attacks: readonly string[];
  readonly connections: number;
  readonly target: FloodTarget;
  /** Connections begun each second; 0: as fast as it can. */
  readonly perSecond: number;
}

/** What it tells. */
export interface FloodNews {
  readonly kind: "begun" | "over";
  readonly closed: number;
}

function run({ attacks: names, connections, target, perSecond }: FloodOrder): void {
  const attacks = FLOOD_ATTACKS.filter(({ name }) => names.includes(name));
  if (attacks.length !== names.length) throw new Error(`not all known: ${names.join(", ")}`);
  const sockets: Socket[] = [];
  let connecting = 0;
  let closed = 0;
  const startMs = Date.now();
  const tell = (kind: FloodNews["kind"]): void => void process.send?.({ kind, closed });
  const pump = (): void => {
    while (sockets.length < connections && connecting < AT_ONCE) {
      if (perSecond > 0 && sockets.length >= ((Date.now() - startMs) / 1_000) * perSecond) break;
      connecting++;
      let isConnecting = true;
      const begun = (): void => {
        if (isConnecting) connecting--;
        isConnecting = false;
        setImmediate(pump);
        if (sockets.length === connections && connecting === 0) tell("begun");
      };
      const socket = attacks[sockets.length % attacks.length].begin(target, () => {
        closed++;
        if (isConnecting) begun();
        if (closed === connections) tell("over");
      });
      sockets.push(socket);
      socket.once("connect", begun);
    }
    if (perSecond > 0 && sockets.length < connections) setTimeout(pump, 5);
  };
  pump();
}

// Attackers sit on machines of their own: here they get what the server and the pair leave of this one.
setPriority(constants.priority.PRIORITY_LOW);
process.once("message", (order: FloodOrder) => run(order));
process.on("disconnect", () => process.exit());
