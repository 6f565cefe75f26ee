/** The answer of /ipqueuesz: by queue, what waits in it. */
export type Ipqueuesz = Readonly<
  Record<string, { readonly pending: number; readonly in_progress: number | undefined }>
>;

/** One thread does all the work here: no queue leads from one to another. */
export function ipqueuesz(): Ipqueuesz {
  return {};
}
