import type { Random } from "../io/random.ts";
import { SourcePattern } from "../subject/source-pattern.ts";
import { SubjectTransform } from "../subject/transform.ts";
import type { StreamSource } from "./core/stream-config.ts";

/** What becomes of the subjects of a mirror or source: the first transform that applies. Wire strings. */
export class OriginSubjects {
  readonly #transforms: readonly { readonly source: SourcePattern; readonly transform: SubjectTransform }[];
  readonly #random: Random;

  constructor({ subject_transforms }: StreamSource, random: Random) {
    this.#random = random;
    this.#transforms = subject_transforms.flatMap(({ src, dest }) => {
      // Nothing is changed, and a later transform may apply.
      if (dest === "") return [];
      const from = src === "" ? ">" : src;
      const transform = SubjectTransform.compile(from, dest);
      return transform instanceof SubjectTransform ? [{ source: new SourcePattern(from), transform }] : [];
    });
  }

  /** The subject under which a message goes on. */
  of(subject: string): string {
    for (const { source, transform } of this.#transforms)
      if (source.covers(subject)) return transform.transform(subject, this.#random);
    return subject;
  }
}
