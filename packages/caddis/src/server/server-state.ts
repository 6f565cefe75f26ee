/**
 * new ─ start ─▶ starting ─▶ running ─ lameDuck ─▶ lame duck ─┐
 *  └────────────────┴───────────┴─────── shutdown ────────────┴─▶ stopping ─▶ stopped
 */
export type ServerState = "new" | "starting" | "running" | "lame duck" | "stopping" | "stopped";

/** What a state is called in a text. */
export const STATE_TEXTS: Readonly<Record<ServerState, string>> = {
  new: "not started",
  starting: "starting",
  running: "running",
  "lame duck": "in lame duck mode",
  stopping: "shutting down",
  stopped: "shut down",
};
