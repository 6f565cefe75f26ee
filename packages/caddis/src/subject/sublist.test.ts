import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { subjectMatches } from "../../../../test/support/subject-match.ts";
import { AssertionFailure } from "../base/assert.ts";
import { isValidSubject } from "./subject.ts";
import { Interested } from "./interested.ts";
import type { MatchResult } from "./match-result.ts";
import { Sublist } from "./sublist.ts";

/** Any will do; this is FNV's own. */
const HASH_BASIS = 0x811c9dc5;

type Answer = { readonly plain: Set<Interested>; readonly queues: Map<string, Set<Interested>> };

/** What a sublist with exactly `live` in it has to answer. */
function naiveAnswer(live: readonly Interested[], subject: string): Answer {
  const answer: Answer = { plain: new Set(), queues: new Map() };
  for (const subscription of live) {
    if (!subjectMatches(subject, subscription.subject)) continue;
    if (subscription.queue === "") {
      answer.plain.add(subscription);
    } else {
      const group = answer.queues.get(subscription.queue) ?? new Set();
      answer.queues.set(subscription.queue, group.add(subscription));
    }
  }
  return answer;
}

/** A result as sets; fails when it names somebody twice or has an empty or a mixed queue group. */
function answerOf(result: MatchResult<Interested>): Answer {
  const plain = new Set(result.plain);
  assert.equal(plain.size, result.plain.length, "each plain subscription once");
  const queues = new Map<string, Set<Interested>>();
  for (const group of result.queues) {
    assert.ok(group.length > 0, "no empty queue group");
    assert.ok(!queues.has(group[0].queue), "one group per queue name");
    assert.ok(
      group.every((member) => member.queue === group[0].queue),
      "one queue name per group",
    );
    queues.set(group[0].queue, new Set(group));
    assert.equal(new Set(group).size, group.length, "each member once");
  }
  return { plain, queues };
}

function subscribe(sublist: Sublist<Interested>, subject: string, queue = ""): Interested {
  const subscription = new Interested(subject, queue);
  sublist.insert(subscription);
  return subscription;
}

// Few tokens and few queues, so that random subjects meet; `*x` and `>>` are plain tokens; \xff is no UTF-8.
const token = fc.constantFrom("a", "b", "ab", "*x", ">>", "\xff");
const pattern = fc
  .array(fc.oneof({ weight: 3, arbitrary: token }, fc.constantFrom("*", ">")), { minLength: 1, maxLength: 4 })
  .map((tokens) => tokens.join("."))
  .filter(isValidSubject);
/** What one may publish to: anything, also empty tokens and wildcards that stand for themselves. */
const published = fc
  .array(fc.oneof({ weight: 5, arbitrary: token }, fc.constantFrom("*", ">", "")), {
    minLength: 1,
    maxLength: 4,
  })
  .map((tokens) => tokens.join("."));
const queue = fc.constantFrom("", "", "", "q", "r");

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ insert: pattern, queue }) },
  { weight: 3, arbitrary: fc.record({ remove: fc.nat() }) },
  { weight: 12, arbitrary: fc.record({ match: published }) },
  { weight: 1, arbitrary: fc.constant({ sweep: true }) },
);

for (const cacheEnabled of [true, false]) {
  test(`answers are those of a naive matcher under churn, ${cacheEnabled ? "with" : "without"} a result cache`, () => {
    let hits = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 250, size: "max" }), (steps) => {
        const sublist = new Sublist<Interested>(cacheEnabled, HASH_BASIS);
        const live: Interested[] = [];
        /** What a publisher may have kept. */
        const held = new Set<MatchResult<Interested>>();
        for (const what of steps) {
          if ("insert" in what) {
            live.push(subscribe(sublist, what.insert, what.queue));
          } else if ("remove" in what) {
            if (live.length === 0) continue;
            const [gone] = live.splice(what.remove % live.length, 1);
            sublist.remove(gone);
            assert.ok(!gone.isInterested);
            sublist.remove(gone);
          } else if ("match" in what) {
            const result = sublist.matchString(what.match);
            assert.equal(result.subject, what.match);
            assert.deepEqual(answerOf(result), naiveAnswer(live, what.match));
            assert.ok(cacheEnabled || !result.isKept, "nothing is kept without a cache");
            if (result.isKept) held.add(result);
          } else {
            sublist.sweep();
          }
          sublist.checkInvariants();
          assert.equal(sublist.count, live.length);
          for (const result of held) {
            if (!sublist.isCurrent(result)) continue;
            assert.deepEqual(
              answerOf(result),
              naiveAnswer(live, result.subject),
              "a current result is right",
            );
          }
        }
        hits += sublist.stats().matchCount - sublist.stats().missCount;
        for (const subscription of live) sublist.remove(subscription);
        sublist.checkInvariants();
        assert.equal(sublist.count, 0);
      }),
      { numRuns: 60 },
    );
    assert.equal(hits > 0, cacheEnabled, `${hits} answers came from the cache`);
  });
}

test("an answer that stays unchanged is kept, and found outdated by whoever holds it", () => {
  const sublist = new Sublist<Interested>(true, HASH_BASIS);
  const first = subscribe(sublist, "foo.*");
  let kept = sublist.matchString("foo.bar");
  for (let i = 0; i < 100 && !kept.isKept; i++) kept = sublist.matchString("foo.bar");
  assert.ok(kept.isKept, "a subject that recurs gets into the cache");
  assert.equal(sublist.matchString("foo.bar"), kept);
  assert.ok(sublist.isCurrent(kept));

  const second = subscribe(sublist, "foo.bar");
  assert.ok(!sublist.isCurrent(kept), "an insert under the same first token outdates it");
  assert.equal(sublist.matchString("foo.bar"), kept, "the same object is answered again");
  assert.deepEqual(new Set(kept.plain), new Set([first, second]));

  sublist.remove(first);
  assert.ok(!sublist.isCurrent(kept), "so does a removal");
  assert.deepEqual(sublist.matchString("foo.bar").plain, [second]);

  sublist.remove(subscribe(sublist, "*.x"));
  assert.ok(!sublist.isCurrent(kept), "and anything that begins with a wildcard");
  sublist.matchString("foo.bar");
  assert.ok(sublist.isCurrent(kept));

  sublist.sweep();
  assert.ok(!sublist.isCurrent(kept), "nobody keeps an answer that left the cache");
});

test("an answer found apart stands until interest in its first token changes", () => {
  const sublist = new Sublist<Interested>(true, HASH_BASIS);
  subscribe(sublist, "_INBOX.me.*");
  const apart = sublist.matchApart("_INBOX.me.1");
  subscribe(sublist, "orders.new");
  assert.ok(sublist.isCurrent(apart));
  subscribe(sublist, "_INBOX.you.*");
  assert.ok(!sublist.isCurrent(apart));
});

test("inboxes that come and go leave other answers alone", () => {
  const sublist = new Sublist<Interested>(true, HASH_BASIS);
  subscribe(sublist, "orders.new");
  let kept = sublist.matchString("orders.new");
  while (!kept.isKept) kept = sublist.matchString("orders.new");
  sublist.remove(subscribe(sublist, "_INBOX.abc.*"));
  assert.ok(sublist.isCurrent(kept));
});

test("one subject with many subscriptions: all are found, and each can be removed", () => {
  const sublist = new Sublist<Interested>(true, HASH_BASIS);
  const count = 50_000;
  for (const subject of ["foo", "foo.*"]) {
    const plain = Array.from({ length: count }, () => subscribe(sublist, subject));
    const group = Array.from({ length: 100 }, () => subscribe(sublist, subject, "q"));
    const wanted = subject.replace("*", "x");
    assert.deepEqual(new Set(sublist.matchString(wanted).plain), new Set(plain));
    // From the front, from the back, from the middle: with a linear search any of these would take minutes.
    for (let i = 0; i < count; i += 2) sublist.remove(plain[i]);
    for (let i = count - 1; i > 0; i -= 2) sublist.remove(plain[i]);
    const result = sublist.matchString(wanted);
    assert.equal(result.plain.length, 0);
    assert.deepEqual(new Set(result.queues[0]), new Set(group));
    for (const member of group) sublist.remove(member);
    sublist.checkInvariants();
    assert.equal(sublist.count, 0);
  }
});

test("many queue groups on one subject cost no more to enter than one", () => {
  const sublist = new Sublist<Interested>(true, HASH_BASIS);
  const members = Array.from({ length: 100_000 }, (_, i) => subscribe(sublist, "foo", `q${i}`));
  for (const member of members) sublist.remove(member);
  sublist.checkInvariants();
});

test("who holds an answer when a full cache is dropped does not find it current", () => {
  const sublist = new Sublist<Interested>(true, 12_345);
  sublist.insert(new Interested("a", ""));
  let held = sublist.matchString("a");
  while (!held.isKept) held = sublist.matchString("a");
  // Most of what is asked for twice is kept, so this fills the 65,536 places.
  for (let i = 0; i < 400_000 && held.isKept; i++) matchTwice(sublist, `inbox.${i}`);
  assert.equal(held.isKept, false);
  assert.equal(sublist.isCurrent(held), false);
  assert.equal(sublist.matchString("a").plain.length, 1);
});

test("a cache that is full is dropped, and goes on", () => {
  const sublist = new Sublist<Interested>(true, HASH_BASIS);
  const everything = subscribe(sublist, ">");
  let largest = 0;
  // Most of what is asked for twice is kept, so this fills the 65,536 places once.
  for (let i = 0; i < 150_000; i++) {
    const result = matchTwice(sublist, `s.${i}`);
    if (result.plain.length !== 1 || result.plain[0] !== everything) assert.fail(`s.${i}`);
    if (i % 5_000 === 0) largest = Math.max(largest, sublist.stats().cachedCount);
  }
  sublist.checkInvariants();
  assert.ok(largest > 40_000 && largest <= 65_536, `${largest} answers were kept`);
  assert.ok(sublist.stats().cachedCount < largest, "it was dropped");
});

test("a subject of very many tokens is entered, matched and removed", () => {
  const sublist = new Sublist<Interested>(true, HASH_BASIS);
  // What a control line of 64 KiB holds, which is sixteen times the default.
  const tokens = 32_768;
  const subject = Array.from({ length: tokens }, () => "a").join(".");
  const subscriptions = [
    subscribe(sublist, subject),
    subscribe(sublist, `*${subject.slice(1)}`),
    subscribe(sublist, `${subject.slice(0, -1)}*`),
    subscribe(sublist, `${subject.slice(0, -1)}>`),
    subscribe(sublist, Array.from({ length: tokens }, () => "*").join(".")),
  ];
  assert.deepEqual(new Set(sublist.matchString(subject).plain), new Set(subscriptions));
  let visited = 0;
  sublist.forEach(() => visited++);
  assert.equal(visited, subscriptions.length);
  for (const subscription of subscriptions) sublist.remove(subscription);
  sublist.checkInvariants();
  assert.equal(sublist.count, 0);
});

test("a part of a buffer is matched, not what lies around it", () => {
  const sublist = new Sublist<Interested>(true, HASH_BASIS);
  const wanted = subscribe(sublist, "foo.bar");
  const buf = Buffer.from("xfoo.bar.bazx", "latin1");
  for (let i = 0; i < 20; i++) {
    assert.deepEqual(sublist.match(buf, 1, 8).plain, [wanted]);
    assert.ok(sublist.match(buf, 1, 12).isEmpty);
    assert.ok(sublist.match(buf, 1, 4).isEmpty);
    assert.ok(sublist.match(buf, 3, 3).isEmpty);
  }
});

test("a subscription stands in a sublist once", () => {
  const sublist = new Sublist<Interested>(true, HASH_BASIS);
  const subscription = subscribe(sublist, "foo");
  assert.throws(() => sublist.insert(subscription), AssertionFailure);
  sublist.remove(subscription);
  sublist.insert(subscription);
  assert.equal(sublist.count, 1);
});

test("wide answers do not make the cache grow without bound", () => {
  const sublist = new Sublist<Interested>(true, HASH_BASIS);
  for (let i = 0; i < 2_000; i++) sublist.insert(new Interested(">", ""));
  for (let i = 0; i < 5_000; i++) {
    const result = matchTwice(sublist, `wide.${i}`);
    if (i % 1_000 === 0) assert.equal(result.plain.length, 2_000);
  }
  const { cachedCount } = sublist.stats();
  assert.ok(
    cachedCount > 0 && cachedCount * 2_000 <= 4 * 1024 * 1024,
    `${cachedCount} answers of 2,000 receivers`,
  );
  sublist.checkInvariants();
});

test("a subject that takes turns with others used once is kept", () => {
  const sublist = new Sublist<Interested>(true, HASH_BASIS);
  sublist.insert(new Interested("service", ""));
  for (let i = 0; i < 2_000; i++) {
    sublist.matchString("service");
    for (let once = 0; once < 7; once++) sublist.matchString(`inbox.${i}.${once}`);
  }
  const before = sublist.stats().missCount;
  assert.ok(sublist.matchString("service").isKept);
  assert.equal(sublist.stats().missCount, before);
});

test("subjects used once are not kept, those in rotation are", () => {
  const sublist = new Sublist<Interested>(true, HASH_BASIS);
  sublist.insert(new Interested("s.*", ""));
  for (let i = 0; i < 200_000; i++) sublist.matchString(`s.${i}`);
  // A hash may be taken for another one's.
  assert.ok(sublist.stats().cachedCount < 100, `${sublist.stats().cachedCount} answers were kept`);
  for (let round = 0; round < 8; round++) for (let i = 0; i < 20_000; i++) sublist.matchString(`t.${i}`);
  const before = sublist.stats().missCount;
  for (let i = 0; i < 20_000; i++) sublist.matchString(`t.${i}`);
  const missed = sublist.stats().missCount - before;
  assert.ok(missed < 500, `${missed} of 20,000 were looked up again`);
});

/** So that its answer is kept, most likely. */
function matchTwice(sublist: Sublist<Interested>, subject: string): MatchResult<Interested> {
  sublist.matchString(subject);
  return sublist.matchString(subject);
}
