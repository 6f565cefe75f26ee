/** Of a mirror, what tells whether it may answer. */
interface DirectMirror {
  readonly config: { readonly mirror_direct: boolean };
}

/** The mirrors of an account that are about as far as their origins, and so may answer direct gets in their place. */
export class DirectMirrors<Mirror extends DirectMirror> {
  readonly #byOrigin = new Map<string, Set<Mirror>>();

  /** Names are wire strings. */
  add(origin: string, mirror: Mirror): void {
    const mirrors = this.#byOrigin.get(origin);
    if (mirrors === undefined) this.#byOrigin.set(origin, new Set([mirror]));
    else mirrors.add(mirror);
  }

  remove(origin: string, mirror: Mirror): void {
    const mirrors = this.#byOrigin.get(origin);
    mirrors?.delete(mirror);
    if (mirrors?.size === 0) this.#byOrigin.delete(origin);
  }

  /** One that may answer for `origin`; null: none may. */
  find(origin: string): Mirror | null {
    for (const mirror of this.#byOrigin.get(origin) ?? []) if (mirror.config.mirror_direct) return mirror;
    return null;
  }
}
