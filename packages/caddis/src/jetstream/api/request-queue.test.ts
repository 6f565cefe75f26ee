import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestQueue } from "./request-queue.ts";

class World {
  readonly done: string[] = [];
  readonly dropped: number[] = [];
  readonly turns: (() => void)[] = [];
  limit = 1_000;
  infoLimit = 1_000;
  readonly queue = new RequestQueue({
    later: (run) => this.turns.push(run),
    limit: (isInfo) => (isInfo ? this.infoLimit : this.limit),
    onDropped: (count) => this.dropped.push(count),
  });

  ask(name: string, isInfo = false, pending?: Promise<void>): void {
    this.queue.push({
      isInfo,
      run: () => {
        this.done.push(name);
        return pending;
      },
    });
  }
}

test("requests are answered in order, one that takes time before those behind it", async () => {
  const world = new World();
  const slow = Promise.withResolvers<void>();
  world.ask("a");
  world.ask("b", false, slow.promise);
  world.ask("c", true);
  assert.deepEqual(world.done, []);
  await Promise.resolve();
  assert.deepEqual(world.done, ["a", "b"]);
  assert.equal(world.queue.length, 1);
  slow.resolve();
  await new Promise(setImmediate);
  assert.deepEqual(world.done, ["a", "b", "c"]);
});

test("many requests leave others their turn", async () => {
  const world = new World();
  for (let i = 0; i < 200; i++) world.ask(String(i));
  await Promise.resolve();
  let turns = 0;
  for (let run = world.turns.shift(); run !== undefined; run = world.turns.shift()) {
    assert.ok(world.queue.length > 0 || turns > 0);
    run();
    turns++;
  }
  assert.equal(turns, 3);
  assert.deepEqual(
    world.done,
    Array.from({ length: 200 }, (_, i) => String(i)),
  );
});

test("of a kind that overflows all that waits is dropped, and the queue goes on", async () => {
  const world = new World();
  world.limit = 3;
  for (const name of ["a", "b", "i", "c"]) world.ask(name, name === "i");
  assert.deepEqual(world.dropped, []);
  world.ask("d");
  assert.deepEqual(world.dropped, [4]);
  world.ask("e");
  await Promise.resolve();
  assert.deepEqual(world.done, ["i", "e"]);
});

test("what only asks has a bound of its own", async () => {
  const world = new World();
  world.infoLimit = 1;
  world.ask("i", true);
  world.ask("j", true);
  world.ask("a");
  assert.deepEqual(world.dropped, [2]);
  await Promise.resolve();
  assert.deepEqual(world.done, ["a"]);
});

test("a queue that is closed forgets what waits and takes nothing more", async () => {
  const world = new World();
  world.ask("a");
  world.queue.close();
  world.ask("b");
  await Promise.resolve();
  assert.deepEqual(world.done, []);
  assert.equal(world.queue.length, 0);
});
