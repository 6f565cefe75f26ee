import * as fc from "fast-check";

/** What is done to a stream at random. Numbers pick among what is there when the step comes. */
export type Step =
  | { readonly kind: "append"; readonly messages: readonly NewMessage[]; readonly together: boolean }
  | { readonly kind: "skip"; readonly by: number }
  | { readonly kind: "remove"; readonly pick: number; readonly erase: boolean }
  | { readonly kind: "removeBefore"; readonly pick: number }
  | {
      readonly kind: "purge";
      readonly filter: readonly string[];
      readonly pick: number;
      readonly keep: number;
    }
  | { readonly kind: "keep"; readonly pick: number }
  | { readonly kind: "expire"; readonly count: number }
  | { readonly kind: "commit" }
  | { readonly kind: "reopen" };

export interface NewMessage {
  readonly subject: string;
  readonly headers: string;
  readonly payload: string;
  /** How much later than the message before it, in nanoseconds. */
  readonly laterNs: number;
  /** Of its own time to live; 0: none. */
  readonly ttlMs: number;
}

// Few tokens, so that subjects repeat and filters meet them.
const token = fc.constantFrom("a", "b", "c", "\xff");
const subject = fc.array(token, { minLength: 1, maxLength: 3 }).map((tokens) => tokens.join("."));
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant("*")), { minLength: 0, maxLength: 3 }), fc.boolean())
  .filter(([tokens, rest]) => tokens.length > 0 || rest)
  .map(([tokens, rest]) => [...tokens, ...(rest ? [">"] : [])].join("."));
/** Empty: all. */
export const filter = fc.oneof(
  { weight: 1, arbitrary: fc.constant([]) },
  { weight: 3, arbitrary: subject.map((one) => [one]) },
  { weight: 3, arbitrary: pattern.map((one) => [one]) },
  { weight: 2, arbitrary: fc.array(fc.oneof(subject, pattern), { minLength: 2, maxLength: 12 }) },
);

const text = (length: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.integer({ min: 0, max: length }), fc.constantFrom("x", "\0", "\xfe"))
    .map(([n, c]) => c.repeat(n));
const newMessage: fc.Arbitrary<NewMessage> = fc.record({
  subject,
  headers: fc.oneof(
    { weight: 3, arbitrary: fc.constant("") },
    text(40).map((value) => `NATS/1.0\r\nA: ${value}\r\n\r\n`),
  ),
  payload: fc.oneof({ weight: 8, arbitrary: text(200) }, { weight: 1, arbitrary: text(9000) }),
  laterNs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3_000_000 })),
  ttlMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 20 })),
});

const pick = fc.nat();

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      messages: fc.array(newMessage, { minLength: 1, maxLength: 6 }),
      together: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("skip" as const), by: fc.nat({ max: 3000 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("remove" as const), pick, erase: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("removeBefore" as const), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("purge" as const), filter, pick, keep: fc.nat({ max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("keep" as const), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("expire" as const), count: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("commit" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("reopen" as const) }) },
);
