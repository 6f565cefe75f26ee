import { fromWireString, isValidConfiguredSubject } from "../../subject/subject.ts";
import { subjectsCollide } from "../../subject/overlap.ts";
import { checkDestination, SubjectTransform, TransformError } from "../../subject/transform.ts";
import { type ApiError, apiError } from "./api-error.ts";
import { invalidConfig, pedanticError, type StreamConfigDraft } from "./stream-config-draft.ts";
import type { SubjectTransformConfig } from "./stream-config.ts";

const ALL = ">";

/** Why a transform's source can't be one, in words; null when it can. Empty stands for every subject. */
export function transformSourceFault({ src }: SubjectTransformConfig): string | null {
  return src === "" || isValidConfiguredSubject(src) ? null : `invalid subject ${fromWireString(src)}`;
}

/** Why a source and a destination make no transform, in words; null when they do, or there is no destination. */
export function transformFault({ src, dest }: SubjectTransformConfig): string | null {
  if (dest === "") return null;
  const fault = checkDestination(dest);
  if (fault !== null) return fault.message;
  const transform = compiled(src, dest);
  return transform instanceof TransformError ? transform.message : null;
}

export function checkSubjectTransform({ subject_transform }: StreamConfigDraft): ApiError | null {
  if (subject_transform === null) return null;
  const sourceFault = transformSourceFault(subject_transform);
  if (sourceFault !== null) return apiError("streamTransformInvalidSource", { err: sourceFault });
  const fault = transformFault(subject_transform);
  return fault === null ? null : apiError("streamTransformInvalidDestination", { err: fault });
}

export function checkRepublish(draft: StreamConfigDraft, isPedantic: boolean): ApiError | null {
  if (draft.republish === null) return null;
  let { src, dest } = draft.republish;
  if (src === "") {
    if (isPedantic) return pedanticError("republish source can not be empty");
    src = ALL;
  }
  if (src === ALL && dest === ALL && transformsAll(draft)) {
    if (isPedantic) return pedanticError("implicit republish based on subject transform");
    src = dest = draft.subject_transform?.dest ?? "";
  }
  draft.republish = { ...draft.republish, src, dest };
  if (draft.subjects.some((subject) => subjectsCollide(dest, subject))) {
    return invalidConfig("stream configuration for republish destination forms a cycle");
  }
  if (dest !== "" && compiled(src, dest) instanceof TransformError) {
    const [from, to] = [fromWireString(src), fromWireString(dest)];
    return invalidConfig(
      `stream configuration for republish with transform from '${from}' to '${to}' not valid`,
    );
  }
  return null;
}

/** The stream's only subject is what its transform takes: then all messages have other subjects once stored. */
function transformsAll({ subject_transform, subjects }: StreamConfigDraft): boolean {
  return subject_transform !== null && subjects.length === 1 && subject_transform.src === subjects[0];
}

function compiled(src: string, dest: string): SubjectTransform | TransformError {
  return SubjectTransform.compile(src === "" ? ALL : src, dest);
}
