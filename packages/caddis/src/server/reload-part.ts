import type { Options } from "../config/options.ts";

/** Something that follows a server's options. A reload makes all of them ready first, and then changes all or none. */
export interface ReloadPart {
  /** Opens what `next` asks for, and changes nothing. Rejects with what is in the way. */
  prepare(current: Options, next: Options): ReloadStep | Promise<ReloadStep>;
}

/** One part of a reload, ready to be done. */
export interface ReloadStep {
  /** Puts it in force, at once. Never throws. */
  commit(): void;
  /** Brings to an end what takes longer. Called after `commit`; never rejects. */
  finish?(): Promise<void>;
  /** Lets go of what was made ready; instead of `commit`. Never rejects. */
  abandon?(): Promise<void>;
}

/** Makes all parts ready; if one can't be, none is. Rejects with its reason. */
export async function prepareAll(
  parts: readonly ReloadPart[],
  current: Options,
  next: Options,
): Promise<readonly ReloadStep[]> {
  const ready: ReloadStep[] = [];
  try {
    for (const part of parts) ready.push(await part.prepare(current, next));
    return ready;
  } catch (error) {
    await abandonAll(ready);
    throw error;
  }
}

/** Nothing comes of it. */
export async function abandonAll(steps: readonly ReloadStep[]): Promise<void> {
  for (const step of steps) await step.abandon?.();
}

/** What takes longer, once all is in force. */
export async function finishAll(steps: readonly ReloadStep[]): Promise<void> {
  for (const step of steps) await step.finish?.();
}
