import { goQuote } from "../../base/go-quote.ts";
import { isSubset, subjectsCollide } from "../../subject/overlap.ts";
import { fromWireString, isValidConfiguredSubject } from "../../subject/subject.ts";
import { type ApiError, apiError } from "./api-error.ts";
import { firstColliding } from "./pattern-set.ts";
import { invalidConfig, type StreamConfigDraft } from "./stream-config-draft.ts";

const ALL = ">";
/** What the servers talk about among themselves; a stream of it would answer requests with its acknowledgements. */
const API_SUBJECTS = ["$JS.>", "$JSC.>", "$NRG.>"];
const EVENT_SUBJECTS = "$JS.EVENT.>";
const SYSTEM_SUBJECTS = "$SYS.>";
const SYSTEM_EVENT_SUBJECTS = "$SYS.ACCOUNT.>";

/** Checks the subjects of a stream; one that has none and no origin takes those of its name. */
export function checkSubjects(draft: StreamConfigDraft): ApiError | null {
  const { subjects, mirror, sources, name } = draft;
  if (subjects.length === 0) {
    if (mirror === null && sources.length === 0) draft.subjects = [name];
    return null;
  }
  if (mirror !== null) return apiError("mirrorWithSubjects");
  return checkEach(draft);
}

function checkEach({ subjects, no_ack, num_replicas }: StreamConfigDraft): ApiError | null {
  const firstOverlapping = firstColliding(subjects);
  for (const [index, subject] of subjects.entries()) {
    if (!isValidConfiguredSubject(subject)) return invalidConfig("invalid subject");
    if (subject === ALL) {
      if (!no_ack) return invalidConfig("capturing all subjects requires no-ack to be true");
      if (num_replicas !== 1) return invalidConfig("capturing all subjects requires replicas of 1");
    }
    const error = no_ack ? null : checkNamespace(subject);
    if (error !== null) return error;
    if (index !== firstOverlapping) continue;
    const other = subjects.slice(index + 1).find((later) => subjectsCollide(later, subject));
    return invalidConfig(
      other === undefined
        ? "too many subjects with wildcards"
        : `subject ${quoted(subject)} overlaps with ${quoted(other)}`,
    );
  }
  return null;
}

function checkNamespace(subject: string): ApiError | null {
  if (API_SUBJECTS.some((api) => subjectsCollide(subject, api)) && !isSubset(subject, EVENT_SUBJECTS)) {
    return invalidConfig("subjects that overlap with jetstream api require no-ack to be true");
  }
  if (subjectsCollide(subject, SYSTEM_SUBJECTS) && !isSubset(subject, SYSTEM_EVENT_SUBJECTS)) {
    return invalidConfig("subjects that overlap with system api require no-ack to be true");
  }
  return null;
}

function quoted(subject: string): string {
  return fromWireString(goQuote(subject));
}
