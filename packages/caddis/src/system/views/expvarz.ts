import type { Resources } from "../../io/resources.ts";

/**
 * Memory under the names that Go's runtime has for it, numbers in bytes where nothing else is said. What V8 does not
 * tell is 0.
 */
interface MemStats {
  /** Of objects that are in use. */
  readonly Alloc: number;
  readonly TotalAlloc: number;
  /** Of the whole process. */
  readonly Sys: number;
  readonly Lookups: 0;
  readonly Mallocs: 0;
  readonly Frees: 0;
  readonly HeapAlloc: number;
  readonly HeapSys: number;
  readonly HeapIdle: number;
  readonly HeapInuse: number;
  readonly HeapReleased: 0;
  readonly HeapObjects: 0;
  readonly StackInuse: 0;
  readonly StackSys: 0;
  readonly MSpanInuse: 0;
  readonly MSpanSys: 0;
  readonly MCacheInuse: 0;
  readonly MCacheSys: 0;
  readonly BuckHashSys: 0;
  readonly GCSys: 0;
  /** Outside of V8's heap: buffers, code, libraries. */
  readonly OtherSys: number;
  /** The heap may grow so far. */
  readonly NextGC: number;
  readonly LastGC: 0;
  readonly PauseTotalNs: 0;
  readonly PauseNs: readonly never[];
  readonly PauseEnd: readonly never[];
  readonly NumGC: 0;
  readonly NumForcedGC: 0;
  readonly GCCPUFraction: 0;
  readonly EnableGC: true;
  readonly DebugGC: false;
  readonly BySize: readonly never[];
}

/** The answer of /debug/vars. */
export interface Expvarz {
  readonly cmdline: readonly string[];
  readonly memstats: MemStats;
}

/** Arguments are left out: passwords and tokens may be among them. */
const COMMAND_LINE: readonly string[] = ["caddis"];

/** Tells about the process. */
export function expvarz(resources: Resources): Expvarz {
  const { usedBytes, totalBytes, limitBytes } = resources.heap();
  const residentBytes = resources.residentBytes();
  return {
    cmdline: COMMAND_LINE,
    memstats: {
      Alloc: usedBytes,
      TotalAlloc: usedBytes,
      Sys: residentBytes,
      Lookups: 0,
      Mallocs: 0,
      Frees: 0,
      HeapAlloc: usedBytes,
      HeapSys: totalBytes,
      HeapIdle: Math.max(0, totalBytes - usedBytes),
      HeapInuse: usedBytes,
      HeapReleased: 0,
      HeapObjects: 0,
      StackInuse: 0,
      StackSys: 0,
      MSpanInuse: 0,
      MSpanSys: 0,
      MCacheInuse: 0,
      MCacheSys: 0,
      BuckHashSys: 0,
      GCSys: 0,
      OtherSys: Math.max(0, residentBytes - totalBytes),
      NextGC: limitBytes,
      LastGC: 0,
      PauseTotalNs: 0,
      PauseNs: [],
      PauseEnd: [],
      NumGC: 0,
      NumForcedGC: 0,
      GCCPUFraction: 0,
      EnableGC: true,
      DebugGC: false,
      BySize: [],
    },
  };
}
