import { SubjectFilter } from "../subject-filter.ts";

/** A filter of a file store, with how far a search for it goes message by message before subjects are asked. */
export class FileFilter extends SubjectFilter {
  scan = 0;
}
