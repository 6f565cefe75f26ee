import { constructedTag, decodeDer, malformed, primitiveTag, TAG, type DerReader } from "./der.ts";
import { readGeneralizedTime } from "./der-time.ts";
import type { CertificateId } from "./request.ts";
import type { Signed } from "./signature.ts";

/** What a responder may say of a certificate. */
export type Status = "good" | "revoked" | "unknown";

/** One answer of a response. */
export interface SingleResponse {
  readonly id: CertificateId;
  readonly status: Status;
  readonly thisUpdateMs: number;
  /** Null: the responder did not say. */
  readonly nextUpdateMs: number | null;
}

/** A response as it was sent: nothing of it is verified yet. */
export interface BasicResponse extends Signed {
  readonly answers: readonly SingleResponse[];
  /** Certificates of the responder, DER. */
  readonly certificates: readonly Uint8Array[];
}

const OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1";

/** What responders say instead of an answer; RFC 6960, 4.2.1. */
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [1, "malformed request"],
  [2, "internal error"],
  [3, "try later"],
  [5, "signature required"],
  [6, "unauthorized"],
]);

/** Reads a response (RFC 6960, 4.2); a text says why it is none. */
export function parseResponse(der: Uint8Array): BasicResponse | string {
  const basic = decodeDer(der, (reader) => {
    const outer = reader.enter(TAG.sequence);
    const status = outer.smallNumber(TAG.enumerated);
    if (status !== 0) return `the responder refused: ${REFUSALS.get(status) ?? `status ${status}`}`;
    const wrapper = outer.enter(constructedTag(0));
    outer.end();
    const bytes = wrapper.enter(TAG.sequence);
    wrapper.end();
    if (bytes.oid() !== OCSP_BASIC) return "a response of another type";
    const content = bytes.read(TAG.octetString);
    bytes.end();
    return content;
  });
  if (basic === null) return "not a response";
  if (typeof basic === "string") return basic;
  return decodeDer(basic, readBasic) ?? "not a basic response";
}

function readBasic(reader: DerReader): BasicResponse {
  const basic = reader.enter(TAG.sequence);
  const signed = basic.whole(TAG.sequence);
  const signatureAlgorithm = basic.whole(TAG.sequence);
  const signature = basic.bits();
  const certificates: Uint8Array[] = [];
  const wrapper = basic.enterIf(constructedTag(0));
  if (wrapper !== null) {
    const list = wrapper.enter(TAG.sequence);
    wrapper.end();
    while (!list.isAtEnd) certificates.push(list.whole(TAG.sequence));
  }
  basic.end();
  const answers = decodeDer(signed, readAnswers) ?? malformed("no answers");
  return { answers, certificates, signed, signatureAlgorithm, signature };
}

function readAnswers(reader: DerReader): SingleResponse[] {
  const data = reader.enter(TAG.sequence);
  const version = data.enterIf(constructedTag(0));
  if (version !== null && version.smallNumber(TAG.integer) !== 0) malformed("an unknown version");
  // Who says he signed does not matter: whose key fits does.
  if (data.tag === constructedTag(1)) data.whole(constructedTag(1));
  else data.whole(constructedTag(2));
  readGeneralizedTime(data);
  const list = data.enter(TAG.sequence);
  const answers: SingleResponse[] = [];
  while (!list.isAtEnd) answers.push(readAnswer(list.enter(TAG.sequence)));
  refuseCritical(data.enterIf(constructedTag(1)));
  data.end();
  return answers;
}

function readAnswer(answer: DerReader): SingleResponse {
  const id = readId(answer.enter(TAG.sequence));
  const status = readStatus(answer);
  const thisUpdateMs = readGeneralizedTime(answer);
  const next = answer.enterIf(constructedTag(0));
  const nextUpdateMs = next === null ? null : readGeneralizedTime(next);
  next?.end();
  refuseCritical(answer.enterIf(constructedTag(1)));
  answer.end();
  return { id, status, thisUpdateMs, nextUpdateMs };
}

function readId(reader: DerReader): CertificateId {
  const algorithm = reader.enter(TAG.sequence);
  const hash = algorithm.oid();
  algorithm.skipIf(TAG.null);
  algorithm.end();
  const issuerName = reader.read(TAG.octetString);
  const issuerKey = reader.read(TAG.octetString);
  const serial = reader.read(TAG.integer);
  reader.end();
  return { hash, issuerName, issuerKey, serial };
}

function readStatus(answer: DerReader): Status {
  if (answer.tag === constructedTag(1)) {
    answer.whole(constructedTag(1));
    return "revoked";
  }
  const status = answer.tag === primitiveTag(0) ? "good" : "unknown";
  if (answer.read(primitiveTag(status === "good" ? 0 : 2)).length !== 0) malformed("a status with a content");
  return status;
}

/** Extensions that have to be understood are not: none is defined that would matter here. */
function refuseCritical(wrapper: DerReader | null): void {
  if (wrapper === null) return;
  const list = wrapper.enter(TAG.sequence);
  wrapper.end();
  while (!list.isAtEnd) {
    const extension = list.enter(TAG.sequence);
    extension.oid();
    if (extension.tag === TAG.boolean && extension.read(TAG.boolean)[0] !== 0)
      malformed("a critical extension");
  }
}
