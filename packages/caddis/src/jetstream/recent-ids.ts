import { compareInstants, instantOf } from "../base/instant.ts";
import { StoredMessage } from "../store/stored-message.ts";
import type { StreamStore } from "../store/stream-store.ts";
import type { DuplicateWindow } from "./core/dedupe.ts";
import { PublishHeaders } from "./core/publish-headers.ts";

/**
 * Reads the ids that messages within the window came with from their headers, after a start. Returns the id of the last
 * message of all, a wire string; empty: it had none. `nowMs`: wall clock.
 */
export function rememberIds(store: StreamStore, duplicates: DuplicateWindow, nowMs: number): string {
  const { lastSeq, lastTime } = store.state;
  if (lastTime === null) return "";
  const since = instantOf(nowMs - duplicates.windowMs);
  const stored = new StoredMessage();
  let headers: PublishHeaders | null = null;
  let lastId = "";
  for (const seq of store.withHeaders(compareInstants(since, lastTime) < 0 ? since : lastTime)) {
    if (store.load(seq, stored) !== "loaded") continue;
    const { buf, headersStart, payloadStart, timeMs, timeNs } = stored;
    headers ??= new PublishHeaders();
    headers.read(buf, headersStart, payloadStart);
    const id = headers.get("Nats-Msg-Id");
    if (seq === lastSeq) lastId = id;
    const isRecent = compareInstants({ ms: timeMs, ns: timeNs }, since) >= 0;
    if (id !== "" && isRecent) duplicates.add(id, seq, timeMs);
  }
  return lastId;
}
