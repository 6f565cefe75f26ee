/** Which part of a long list an answer holds. */
export interface Page {
  readonly offset: number;
  readonly limit: number;
}

/** Entries of a list when nobody says how many; the reference's number. */
const LIMIT_DEFAULT = 1024;

/** A page as it is meant: negative numbers, and a limit of 0, stand for the defaults. */
export function sanePage({ offset, limit }: Page): Page {
  return { offset: Math.max(0, offset), limit: limit > 0 ? limit : LIMIT_DEFAULT };
}
