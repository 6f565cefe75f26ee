import { availableParallelism } from "node:os";
import { getHeapStatistics } from "node:v8";
import type { Resources } from "../resources.ts";

/** A shorter span says little: until it is over, the last figure stands. */
const SPAN_MS_MIN = 1_000;

/** The process's own figures. Measured when somebody asks, so that nobody's asking costs nothing. */
export function processResources(): Resources {
  let sinceMs = performance.now();
  let since = process.cpuUsage();
  let percent = 0;
  return {
    coreCount: availableParallelism(),
    residentBytes: () => process.memoryUsage.rss(),
    cpuPercent() {
      const nowMs = performance.now();
      const spanMs = nowMs - sinceMs;
      if (spanMs < SPAN_MS_MIN) return percent;
      const { user, system } = process.cpuUsage(since);
      percent = Math.round((user + system) / spanMs) / 10;
      since = process.cpuUsage();
      sinceMs = nowMs;
      return percent;
    },
    heap() {
      const { used_heap_size, total_heap_size, heap_size_limit } = getHeapStatistics();
      return { usedBytes: used_heap_size, totalBytes: total_heap_size, limitBytes: heap_size_limit };
    },
    activity: () => process.getActiveResourcesInfo(),
  };
}
