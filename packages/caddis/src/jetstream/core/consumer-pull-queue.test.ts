import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { PullQueue, WaitingPull } from "./consumer-pull-queue.ts";
import type { PullRequest } from "./pull-request.ts";

const INBOX = { subject: "inbox" } as unknown as ConstructorParameters<typeof WaitingPull>[1];

/** `priority` null: it says nothing about priorities. */
function pull(batch: number, priority: number | null): WaitingPull {
  const request: PullRequest = {
    batch,
    expires: 0,
    noWait: false,
    maxBytes: 0,
    idleHeartbeat: 0,
    priority: priority === null ? null : { group: "g", minPending: 0, minAckPending: 0, id: "", priority },
  };
  return new WaitingPull(request, INBOX, 0);
}

const priorities = fc.option(fc.integer({ min: 0, max: 9 }));
const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant("add" as const),
      batch: fc.integer({ min: 1, max: 3 }),
      priority: priorities,
    }),
    fc.record({ do: fc.constantFrom("serve" as const, "remove" as const, "cycle" as const), at: fc.nat(20) }),
    fc.record({ do: fc.constant("order" as const), byPriority: fc.boolean() }),
  ),
  { maxLength: 60 },
);

/** The same as a list that is searched from its end. */
class PlainQueue {
  pulls: WaitingPull[] = [];
  byPriority = true;

  add(one: WaitingPull): void {
    let at = this.pulls.length;
    while (at > 0 && this.#rank(this.pulls[at - 1]) > this.#rank(one)) at--;
    this.pulls.splice(at, 0, one);
  }

  remove(one: WaitingPull): void {
    this.pulls.splice(this.pulls.indexOf(one), 1);
  }

  orderBy(byPriority: boolean): void {
    this.byPriority = byPriority;
    for (const one of this.pulls.splice(0)) this.add(one);
  }

  #rank({ priority }: WaitingPull): number {
    return this.byPriority ? (priority?.priority ?? Infinity) : 0;
  }
}

test("requests are served by their priority, equal ones in turn", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const queue = new PullQueue(true);
      const plain = new PlainQueue();
      for (const step of all) {
        if (step.do === "add") {
          const one = pull(step.batch, step.priority);
          queue.add(one);
          plain.add(one);
        } else if (step.do === "order") {
          queue.orderBy(step.byPriority);
          plain.orderBy(step.byPriority);
        } else if (plain.pulls.length > 0) {
          const one = plain.pulls[step.at % plain.pulls.length];
          plain.remove(one);
          if (step.do === "remove") queue.remove(one);
          else {
            if (step.do === "cycle") queue.cycle(one);
            else queue.serve(one, 1, 0);
            if (one.messages > 0) plain.add(one);
          }
        }
        queue.checkInvariants();
        assert.deepEqual([...queue], plain.pulls);
      }
    }),
    { numRuns: 200 },
  );
});
