import { nearLimit } from "./facts.ts";
import type { ServerFindingKind } from "./finding.ts";

/** Clients notice: a ping over a local network takes a hundredth of it. */
const LOOP_DELAY_MS_MAX = 50;

/** What may be said about the process and its configuration. */
export const PROCESS_FINDINGS: readonly ServerFindingKind[] = [
  {
    number: 401,
    severity: "warning",
    title: "Descriptors are nearly used up",
    remedy: "Raise the limit of open files (LimitNOFILE of the unit, ulimit -n): each connection takes one.",
    find: ({ surroundings }) => {
      const usage = surroundings?.descriptors() ?? null;
      const near = usage === null ? null : nearLimit(usage.inUse, usage.limit);
      return near === null ? null : `${near} descriptors`;
    },
  },
  {
    number: 402,
    severity: "warning",
    title: "The event loop is late",
    remedy:
      "The process has more to do than one processor can: spread clients over more servers, and look for other work on this machine.",
    find: ({ loopDelayMs }) =>
      loopDelayMs < LOOP_DELAY_MS_MAX ? null : `a turn took ${Math.round(loopDelayMs)} ms`,
  },
  {
    number: 403,
    severity: "error",
    title: "Memory for objects is nearly used up",
    remedy:
      "Raise the limit (NODE_OPTIONS=--max-old-space-size=<MiB>), or find out what grew: connections, subscriptions, closed connections that are remembered.",
    find: ({ resources }) => {
      const { usedBytes, limitBytes } = resources.heap();
      const near = nearLimit(usedBytes, limitBytes);
      return near === null ? null : `${near} bytes; at the limit the process ends`;
    },
  },
  {
    number: 404,
    severity: "info",
    title: "The server sends its clients away",
    remedy: "Lame duck mode was asked for: it ends with the server's end.",
    find: ({ broker }) => (broker.isLameDuck ? "lame duck mode" : null),
  },
  {
    number: 501,
    severity: "warning",
    title: "The configuration file is another than the one in force",
    remedy: "Reload (caddis --signal reload), or take the change back: a restart would bring it unasked.",
    find: ({ surroundings, configDigest }) => {
      const digest = surroundings?.configDigest() ?? null;
      if (digest === null || digest === BROKEN || digest === configDigest) return null;
      return `in force ${configDigest}, in the file ${digest}`;
    },
  },
  {
    number: 502,
    severity: "error",
    title: "The configuration file has faults: a restart would fail",
    remedy: "Run caddis -t -c <file>: it says what is wrong.",
    find: ({ surroundings }) =>
      surroundings?.configDigest() === BROKEN ? "no server starts with the file as it is now" : null,
  },
  {
    number: 503,
    severity: "info",
    title: "Tracing is on",
    remedy:
      "Switch trace off when done: it costs most of the throughput, and writes what clients send into the log.",
    find: ({ broker }) => (broker.log.traceEnabled ? "each message is logged" : null),
  },
];

/** As in `Surroundings.configDigest`. */
const BROKEN = "broken";
