import { fromWireString } from "../../subject/subject.ts";
import { isObjectOrArray, objectOf } from "../core/json-fields.ts";
import { orderedObject } from "../core/stream-config-encode.ts";
import type { Stream } from "../stream.ts";
import {
  type ApiAnswer,
  type ApiEndpoint,
  type ApiFields,
  type ApiRequest,
  findStream,
  isFailure,
  readRequest,
} from "./endpoint.ts";
import { streamInfoFields } from "./stream-info-fields.ts";

/** Subjects with their numbers in one answer; as in the reference. */
const SUBJECTS_MAX = 100_000;

const REQUEST = objectOf("JSApiStreamInfoRequest", {
  offset: "int",
  deleted_details: "bool",
  subjects_filter: "wire",
});
const NO_PAGE = { total: 0, offset: 0, limit: 0 };

export const STREAM_INFO: ApiEndpoint = {
  subject: "STREAM.INFO.*",
  type: "stream_info",
  isInfo: true,
  fieldsOfErrors: NO_PAGE,
  answer,
};

function answer(request: ApiRequest): ApiAnswer {
  // Anything that is no JSON asks for nothing in particular.
  const read = isObjectOrArray(request.received.payload) ? readRequest(request, REQUEST) : { fields: {} };
  if (isFailure(read)) return read;
  const stream = findStream(request);
  if (isFailure(stream)) return stream;
  const { offset = 0, deleted_details = false, subjects_filter = "" } = read.fields;
  const page = subjects_filter === "" ? null : subjectsPage(stream, subjects_filter, Math.max(offset, 0));
  const options = {
    hasLeader: true,
    hasDeleted: deleted_details,
    ...(page?.subjects && { subjects: page.subjects }),
  };
  return { ok: { ...NO_PAGE, ...page?.paging, ...streamInfoFields(stream, options) } };
}

/** How many messages each subject has that `filter` takes, from the `offset`th on; null: it takes none. */
function subjectsPage(
  { store }: Stream,
  filter: string,
  offset: number,
): { readonly paging: ApiFields; readonly subjects: ApiFields | null } | null {
  const counts = [...store.subjects(store.filter([filter]))];
  if (counts.length === 0) return null;
  const paging = { total: counts.length, offset, limit: SUBJECTS_MAX };
  // Pages are cut in the order of the bytes, as in the reference: that of wire strings.
  if (offset > 0 || counts.length > SUBJECTS_MAX) counts.sort((a, b) => (a.subject < b.subject ? -1 : 1));
  const page = counts.slice(offset, offset + SUBJECTS_MAX);
  if (page.length === 0) return { paging, subjects: null };
  const members = page.map(({ subject, count }) => [fromWireString(subject), count] as const);
  return { paging, subjects: orderedObject(members) };
}
