import { goQuote } from "../../base/go-quote.ts";
import { fromWireString, toWireString } from "../../subject/subject.ts";
import { type ApiError, apiError } from "./api-error.ts";

/** As many digits as a 64-bit integer may have; more are out of range. */
const INT64_MAX = 2n ** 63n - 1n;

/** What share of acknowledgements is reported, in percent, as `sample_freq` says it (`25%`, `25`); empty: none, 0. */
export function samplePercent(frequency: string): number {
  const percent = Number(withoutPercent(frequency));
  return Number.isNaN(percent) ? 0 : percent;
}

/** What is wrong with a `sample_freq`; null: nothing. */
export function samplingProblem(frequency: string): ApiError | null {
  if (frequency === "") return null;
  const text = withoutPercent(frequency);
  const refused = (err: string): ApiError => apiError("consumerInvalidSampling", { err });
  const quoted = fromWireString(goQuote(toWireString(text)));
  if (!/^[+-]?\d+$/.test(text)) return refused(`strconv.Atoi: parsing ${quoted}: invalid syntax`);
  const value = BigInt(text.replace("+", ""));
  if (value > INT64_MAX || value < -INT64_MAX - 1n)
    return refused(`strconv.Atoi: parsing ${quoted}: value out of range`);
  // The reference has no text for this one and shows its runtime's word for nothing.
  return value < 0n ? refused("<nil>") : null;
}

function withoutPercent(frequency: string): string {
  return frequency.endsWith("%") ? frequency.slice(0, -1) : frequency;
}
