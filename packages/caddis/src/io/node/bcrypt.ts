import type { Hasher } from "../hasher.ts";

/** bcrypt in threads of libuv's pool. The native library is loaded when it is needed first. */
export class BcryptHasher implements Hasher {
  /** Loads the library: for servers that find hashes in their configuration. Rejects where it is not installed. */
  async load(): Promise<void> {
    await import("@node-rs/bcrypt");
  }

  async compare(plain: string, hash: string): Promise<boolean> {
    try {
      const { verify } = await import("@node-rs/bcrypt");
      return await verify(plain, hash);
    } catch {
      return false; // not a hash
    }
  }
}
