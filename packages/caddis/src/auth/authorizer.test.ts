import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  literalSubject,
  naiveMayDeliver,
  naiveMayPublish,
  naiveMaySubscribe,
  operation,
  permissions as anyPermissions,
  publishableSubject,
  queueOrNone,
  subscribableSubject,
} from "../../../../test/support/naive-permissions.ts";
import { subjectMatches } from "../../../../test/support/subject-match.ts";
import { ALL_SUBJECTS, type Permissions, type SubjectRules } from "../config/permissions.ts";
import { toWireString } from "../subject/subject.ts";
import { Authorizer } from "./authorizer.ts";

function policy(rules: Partial<Permissions>): Authorizer {
  return new Authorizer({ publish: ALL_SUBJECTS, subscribe: ALL_SUBJECTS, responses: null, ...rules });
}

function publisher(publish: Partial<SubjectRules>): Authorizer {
  return policy({ publish: { ...ALL_SUBJECTS, ...publish } });
}

function subscriber(subscribe: Partial<SubjectRules>): Authorizer {
  return policy({ subscribe: { ...ALL_SUBJECTS, ...subscribe } });
}

/** Asked twice, with other bytes around it: the second answer comes from the cache. */
function mayPublish(authorizer: Authorizer, subject: string): boolean {
  const buf = Buffer.from(`<${subject}>`, "latin1");
  const first = authorizer.mayPublish(buf, 1, buf.length - 1);
  assert.equal(authorizer.mayPublish(buf, 1, buf.length - 1), first, subject);
  return first;
}

function mayDeliver(authorizer: Authorizer, subject: string, queue = ""): boolean {
  const buf = Buffer.from(`<${subject}>`, "latin1");
  const first = authorizer.mayDeliver(buf, 1, buf.length - 1, queue);
  assert.equal(authorizer.mayDeliver(buf, 1, buf.length - 1, queue), first, `${subject} ${queue}`);
  return first;
}

/** Which of some subjects (with `subject queue` for a queue subscription) may be subscribed to. */
function allowed(authorizer: Authorizer, subscriptions: readonly string[]): string[] {
  return subscriptions.filter((text) => {
    const [subject, queue = ""] = text.split(" ");
    return authorizer.maySubscribe(subject, queue);
  });
}

test("no list allows everything, an empty one nothing", () => {
  assert.equal(mayPublish(publisher({}), "foo"), true);
  assert.equal(mayPublish(publisher({ allow: [] }), "foo"), false);
  assert.equal(subscriber({}).maySubscribe(">", ""), true);
  assert.equal(subscriber({ allow: [] }).maySubscribe("foo", ""), false);
  assert.equal(subscriber({ allow: [] }).maySubscribe("foo", "q"), false);
});

test("publishing needs an allow rule and no deny rule", () => {
  const authorizer = publisher({ allow: ["foo.*", "bar.>", "baz"], deny: ["foo.secret", "bar.*.x"] });
  for (const subject of ["foo.a", "bar.a", "bar.a.y", "baz", "foo.*", "bar.>"]) {
    assert.equal(mayPublish(authorizer, subject), true, subject);
  }
  for (const subject of ["foo", "foo.a.b", "foo.secret", "bar", "bar.a.x", "baz.a", "bazz", "", "foo."]) {
    assert.equal(mayPublish(authorizer, subject), false, subject);
  }
});

test("a wildcard in a published subject means itself", () => {
  assert.equal(mayPublish(publisher({ allow: ["foo.bar"] }), "foo.*"), false);
  assert.equal(mayPublish(publisher({ deny: ["foo.bar"] }), "foo.*"), true);
  assert.equal(mayPublish(publisher({ deny: ["foo.*"] }), "foo.>"), false);
});

test("names that only contain wildcard characters are plain", () => {
  const authorizer = publisher({ allow: ["foo*", "a.>b"] });
  assert.equal(mayPublish(authorizer, "foo*"), true);
  assert.equal(mayPublish(authorizer, "fooo"), false);
  assert.equal(mayPublish(authorizer, "a.>b"), true);
  assert.equal(mayPublish(authorizer, "a.b"), false);
});

test("texts are compared as the bytes they have on the wire", () => {
  const authorizer = publisher({ allow: ["caf\u00e9.*"] });
  assert.equal(mayPublish(authorizer, toWireString("caf\u00e9.x")), true);
  assert.equal(mayPublish(authorizer, "caf\u00e9.x"), false);
  const { rule } = authorizer.explainPublish(toWireString("caf\u00e9.x"));
  assert.deepEqual(rule, { list: "allow", subject: "caf\u00e9.*" });
});

test("an allow rule covers all of a subscription", () => {
  const authorizer = subscriber({ allow: ["foo.*", "bar.>"] });
  const subscriptions = [
    "foo.a",
    "foo.*",
    "foo.>",
    "foo",
    "*",
    ">",
    "*.a",
    "bar.*",
    "bar.>",
    "bar.*.>",
    "bar",
  ];
  assert.deepEqual(allowed(authorizer, subscriptions), ["foo.a", "foo.*", "bar.*", "bar.>", "bar.*.>"]);
  assert.equal(subscriber({ allow: ["*"] }).maySubscribe(">", ""), false);
  assert.equal(subscriber({ allow: ["*.*"] }).maySubscribe("*.>", "q"), false);
});

test("a deny rule refuses what it covers and screens what only contains it", () => {
  const authorizer = subscriber({ deny: ["foo.secret", "bar.>"] });
  assert.deepEqual(allowed(authorizer, ["foo.secret", "foo.*", ">", "bar.a", "bar.*", "bar.>", "bar"]), [
    "foo.*",
    ">",
    "bar",
  ]);
  assert.equal(authorizer.needsScreening("foo.*", ""), true);
  assert.equal(authorizer.needsScreening(">", "q"), true);
  assert.equal(authorizer.needsScreening("other.>", ""), false);
  assert.equal(authorizer.needsScreening("bar", ""), false);
  assert.equal(mayDeliver(authorizer, "foo.secret"), false);
  assert.equal(mayDeliver(authorizer, "foo.other"), true);
  assert.equal(mayDeliver(authorizer, "bar.a.b", "q"), false);
});

test("deny goes before allow", () => {
  const authorizer = policy({
    publish: { allow: ["foo"], deny: ["foo"] },
    subscribe: { allow: ["foo", "foo q"], deny: ["foo"] },
  });
  assert.equal(mayPublish(authorizer, "foo"), false);
  assert.deepEqual(allowed(authorizer, ["foo", "foo q"]), []);
});

test("an allow rule with a queue is for its members only", () => {
  const subscriptions = ["foo", "foo v1", "foo v2", "bar v1"];
  assert.deepEqual(allowed(subscriber({ allow: ["foo"] }), subscriptions), ["foo", "foo v1", "foo v2"]);
  assert.deepEqual(allowed(subscriber({ allow: ["foo v1"] }), subscriptions), ["foo v1"]);
  assert.deepEqual(allowed(subscriber({ allow: ["foo", "foo v1"] }), subscriptions), ["foo", "foo v1"]);
});

test("queues of rules may have wildcards", () => {
  const authorizer = subscriber({ allow: ["foo", "foo v1.>", "foo *.dev"], deny: ["> *.prod"] });
  const names = ["v1", "v1.a", "v1.a.b", "x.dev", "x.y.dev", "v1.prod", "*.dev", ">", "v1.>"];
  assert.deepEqual(
    names.filter((queue) => authorizer.maySubscribe("foo", queue)),
    ["v1.a", "v1.a.b", "x.dev", "*.dev", "v1.>"],
  );
  assert.equal(authorizer.maySubscribe("foo", ""), true);
});

test("a queue rule about a part of the subject restricts, and does not widen", () => {
  const authorizer = subscriber({ allow: ["foo.>", "foo.* v1"] });
  assert.deepEqual(allowed(authorizer, ["foo.>", "foo.> v1", "foo.> v2", "foo.a v1", "foo.a v2"]), [
    "foo.>",
    "foo.a v1",
  ]);
});

test("a deny rule with a queue leaves other members and plain subscriptions alone", () => {
  const authorizer = subscriber({ deny: ["foo.a v1"] });
  assert.deepEqual(allowed(authorizer, ["foo.a", "foo.a v1", "foo.a v2", "foo.* v1"]), [
    "foo.a",
    "foo.a v2",
    "foo.* v1",
  ]);
  assert.equal(authorizer.needsScreening("foo.*", "v1"), true);
  assert.equal(authorizer.needsScreening("foo.*", "v2"), false);
  assert.equal(authorizer.needsScreening("foo.*", ""), false);
  assert.equal(mayDeliver(authorizer, "foo.a", "v1"), false);
  assert.equal(mayDeliver(authorizer, "foo.a", "v2"), true);
  assert.equal(mayDeliver(authorizer, "foo.a"), true);
});

test("advisory 2026-18: a queue does not get around a deny rule without one", () => {
  const authorizer = subscriber({ deny: ["secret", "secret q1", "logs.>", "logs.> q1"] });
  const subscriptions = ["secret", "secret q1", "secret q2", "logs.a", "logs.a q2", "logs.> q2"];
  assert.deepEqual(allowed(authorizer, subscriptions), []);
  assert.equal(authorizer.needsScreening("*", "q2"), true);
  assert.equal(mayDeliver(authorizer, "secret", "q2"), false);
  assert.equal(mayDeliver(authorizer, "logs.a.b", "q2"), false);
});

test("whoever may answer may publish nothing else, unless a list says so", () => {
  const responses = { max: 1, expiresMs: 1_000 };
  assert.equal(mayPublish(policy({ responses }), "foo"), false);
  assert.equal(mayPublish(policy({ responses, publish: { allow: ["foo"], deny: [] } }), "foo"), true);
  assert.equal(policy({ responses: { max: 0, expiresMs: 0 } }).responses?.max, 1);
  assert.equal(policy({}).responses, null);
});

test("an unreadable rule never gives a right", () => {
  for (const text of ["", " ", "a..b", "a b c", "a b..c", "a.>.b"]) {
    assert.equal(mayPublish(publisher({ allow: [text, "x"] }), "a"), false, text);
    assert.equal(mayPublish(publisher({ allow: [text, "x"] }), "x"), true, text);
    assert.equal(mayPublish(publisher({ deny: [text] }), "other"), false, text);
    assert.deepEqual(allowed(subscriber({ allow: [text] }), ["a", "a b", ">"]), [], text);
    assert.deepEqual(allowed(subscriber({ deny: [text] }), ["a", "a b", ">"]), [], text);
  }
  assert.equal(mayPublish(publisher({ allow: ["a q"] }), "a"), false);
  const scoped = publisher({ deny: ["a q"] });
  assert.deepEqual([mayPublish(scoped, "a"), mayPublish(scoped, "b")], [false, true]);
});

test("an explanation names the first rule that decides", () => {
  const authorizer = policy({
    publish: { allow: ["foo.>", "foo.a"], deny: ["*.x", "foo.x"] },
    subscribe: { allow: ["foo q", "bar"], deny: ["bar r.*"] },
  });
  assert.deepEqual(authorizer.explainPublish("foo.a"), {
    allowed: true,
    rule: { list: "allow", subject: "foo.>" },
    reason: "a publish allow rule covers it",
  });
  assert.deepEqual(authorizer.explainPublish("foo.x").rule, { list: "deny", subject: "*.x" });
  assert.deepEqual(authorizer.explainPublish("other"), {
    allowed: false,
    rule: null,
    reason: "no publish allow rule covers it",
  });
  assert.deepEqual(authorizer.explainSubscribe("bar", "r.1").rule, { list: "deny", subject: "bar r.*" });
  assert.match(authorizer.explainSubscribe("foo", "p").reason, /name queues/);
  assert.deepEqual(policy({}).explainSubscribe("x", "").rule, null);
  assert.match(policy({ responses: { max: 1, expiresMs: 0 } }).explainPublish("x").reason, /answer/);
});

test("what may be published and what may be delivered are remembered apart", () => {
  const authorizer = policy({
    publish: { allow: ["a"], deny: [] },
    subscribe: { allow: null, deny: ["a", "c q"] },
  });
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(
      ["a", "b"].map((subject) => mayPublish(authorizer, subject)),
      [true, false],
    );
    assert.deepEqual(
      ["a", "b"].map((subject) => mayDeliver(authorizer, subject)),
      [false, true],
    );
    assert.deepEqual(
      ["", "q", "r"].map((queue) => mayDeliver(authorizer, "c", queue)),
      [true, false, true],
    );
  }
});

test("more queues than are told apart leave every answer right", () => {
  const authorizer = subscriber({ deny: ["a q7", "b q2000"] });
  for (let i = 0; i < 2_500; i++) {
    const queue = `q${i}`;
    assert.equal(mayDeliver(authorizer, "a", queue), i !== 7, queue);
    assert.equal(mayDeliver(authorizer, "b", queue), i !== 2_000, queue);
  }
});

/** Policies and operations; each run asks one policy many times, so that the cache answers as well. */
const RUNS = { numRuns: 3_000 };

test("every decision is the naive interpreter's, and the explained one", () => {
  fc.assert(
    fc.property(anyPermissions, fc.array(operation, { minLength: 1, maxLength: 20 }), (rules, operations) => {
      const authorizer = new Authorizer(rules);
      for (const { kind, subject, ...rest } of operations) {
        if (kind === "publish") {
          assert.equal(mayPublish(authorizer, subject), naiveMayPublish(rules, subject), `PUB ${subject}`);
          assert.equal(authorizer.explainPublish(subject).allowed, naiveMayPublish(rules, subject));
        } else {
          const queue = "queue" in rest ? rest.queue : "";
          const expected = naiveMaySubscribe(rules, subject, queue);
          assert.equal(authorizer.maySubscribe(subject, queue), expected, `SUB ${subject} ${queue}`);
          assert.equal(authorizer.explainSubscribe(subject, queue).allowed, expected);
        }
      }
    }),
    RUNS,
  );
});

test("the rule that is named decides by itself", () => {
  fc.assert(
    fc.property(anyPermissions, subscribableSubject, queueOrNone, (rules, subject, queue) => {
      const decision = new Authorizer(rules).explainSubscribe(subject, queue);
      if (decision.rule === null) {
        assert.ok(!decision.allowed || rules.subscribe.allow === null);
        return;
      }
      const { list, subject: text } = decision.rule;
      assert.equal(list === "allow", decision.allowed);
      assert.ok((list === "allow" ? (rules.subscribe.allow ?? []) : rules.subscribe.deny).includes(text));
      const alone = subscriber({ [list]: [text] });
      assert.equal(alone.maySubscribe(subject, queue), decision.allowed);
    }),
    RUNS,
  );
});

test("deliveries are the naive interpreter's, and only those of a screened subscription are ever refused", () => {
  fc.assert(
    fc.property(
      anyPermissions,
      subscribableSubject,
      queueOrNone,
      fc.array(fc.oneof(literalSubject, publishableSubject), { minLength: 1, maxLength: 20 }),
      (rules, subscription, queue, subjects) => {
        const authorizer = new Authorizer(rules);
        const isTrusted =
          authorizer.maySubscribe(subscription, queue) && !authorizer.needsScreening(subscription, queue);
        for (const subject of subjects) {
          const may = mayDeliver(authorizer, subject, queue);
          assert.equal(may, naiveMayDeliver(rules, subject, queue), `${subject} to ${queue}`);
          if (isTrusted && subjectMatches(subject, subscription))
            assert.ok(may, `${subject} at ${subscription}`);
        }
      },
    ),
    RUNS,
  );
});

test("no message arrives that its subject's own subscription would not get", () => {
  fc.assert(
    fc.property(anyPermissions, subscribableSubject, literalSubject, (rules, subscription, subject) => {
      const authorizer = new Authorizer(rules);
      const arrives =
        subjectMatches(subject, subscription) &&
        authorizer.maySubscribe(subscription, "") &&
        (!authorizer.needsScreening(subscription, "") || mayDeliver(authorizer, subject));
      if (arrives) assert.ok(authorizer.maySubscribe(subject, ""), `${subject} through ${subscription}`);
    }),
    RUNS,
  );
});

test("screening is asked for only where the rules meet the subject", () => {
  fc.assert(
    fc.property(subscribableSubject, subscribableSubject, (subscription, denied) => {
      const authorizer = subscriber({ deny: [denied] });
      if (!authorizer.needsScreening(subscription, "")) return;
      // A subject that both stand for: of two tokens the one that is no wildcard, and names for what is left open.
      const [a, b] = [subscription.split("."), denied.split(".")];
      const common = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => {
        const known = [a[i], b[i]].find((part) => part !== undefined && part !== "*" && part !== ">");
        return known ?? "a";
      }).join(".");
      assert.ok(subjectMatches(common, subscription) && subjectMatches(common, denied), common);
    }),
    RUNS,
  );
});
