import { assert } from "../base/assert.ts";
import type { Storage } from "./core/stream-config.ts";

/** What streams take up and have been promised, in bytes by kind of storage: of a server, an account or a tier. */
export class StorageUsage {
  memory = 0;
  store = 0;
  /** The `max_bytes` of streams that have one. */
  reservedMemory = 0;
  reservedStore = 0;

  /** A stream has grown by `bytes`, or shrunk by as much. As the reference counts: `StreamState.bytes`. */
  add(storage: Storage, bytes: number): void {
    if (storage === "memory") this.memory += bytes;
    else this.store += bytes;
  }

  used(storage: Storage): number {
    return storage === "memory" ? this.memory : this.store;
  }

  reserved(storage: Storage): number {
    return storage === "memory" ? this.reservedMemory : this.reservedStore;
  }

  /** Reserves the `max_bytes` of a stream; one without any reserves nothing. */
  reserve(storage: Storage, maxBytes: number): void {
    if (maxBytes > 0) this.#addReserved(storage, maxBytes);
  }

  /** Takes back what was reserved with the same figure. */
  release(storage: Storage, maxBytes: number): void {
    if (maxBytes > 0) this.#addReserved(storage, -maxBytes);
    assert(this.reserved(storage) >= 0, "nothing is released that was not reserved");
  }

  #addReserved(storage: Storage, bytes: number): void {
    if (storage === "memory") this.reservedMemory += bytes;
    else this.reservedStore += bytes;
  }
}

/** How often the API was asked, of a server or an account. */
export interface ApiCounts {
  total: number;
  /** Of those, answered with an error. */
  errors: number;
  /** Being answered now. */
  inflight: number;
}
