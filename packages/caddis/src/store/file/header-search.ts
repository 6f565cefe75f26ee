import { compareInstants, type Instant } from "../../base/instant.ts";
import type { StoreData } from "./store-data.ts";
import type { StoreSearch } from "./store-search.ts";

/** See `StreamStore.withHeaders`. A block is read only where some message that is new enough came with headers. */
export function* withHeaders(data: StoreData, search: StoreSearch, since: Instant): IterableIterator<number> {
  let from = 0;
  for (const block of data.blocks) {
    if (block.headersSeq === 0 || compareInstants({ ms: block.timeMs, ns: block.timeNs }, since) < 0)
      continue;
    if (from === 0) from = search.firstFrom(since);
    if (from === 0) return;
    if (block.headersSeq < from) continue;
    const index = data.indexOf(block);
    for (let place = index.placeFrom(from - block.firstSeq); place < index.count; place++) {
      const seq = block.firstSeq + index.relAt(place);
      if (index.hasHeadersAt(place) && block.has(seq)) yield seq;
    }
  }
}
