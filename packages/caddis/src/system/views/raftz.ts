/** The answer of /raftz while nothing is replicated. */
export function raftz(): { readonly problem: string } {
  return { problem: "No Raft nodes registered" };
}
