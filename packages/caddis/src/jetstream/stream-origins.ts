import { same } from "../base/same.ts";
import { keyText } from "./core/source-header.ts";
import type { StreamConfig, StreamSource } from "./core/stream-config.ts";
import { Mirror } from "./mirror.ts";
import { OriginLink, type OriginRole } from "./origin-link.ts";
import { SourceNames } from "./origin-names.ts";
import { forgetConsumer } from "./origin-removal.ts";
import { Source } from "./source.ts";
import { type KeptCursor, type KeptCursors, SourceKeeper } from "./source-keeper.ts";
import { SourceScan } from "./source-scan.ts";
import type { Stream, StreamEnd } from "./stream.ts";

/** A source, and what brings its messages. */
export interface SourceLink {
  readonly source: Source;
  readonly link: OriginLink;
}

/** What a stream mirrors and sources. */
export class StreamOrigins {
  readonly #stream: Stream;
  readonly #keeper: SourceKeeper;
  #mirror: OriginLink | null = null;
  /** By key. */
  #sources = new Map<string, SourceLink>();
  readonly #scans = new Set<SourceScan>();
  /** Those that wait for the store: few of many. */
  readonly #waiting = new Set<OriginLink>();
  /** Sources whose place is being looked for: what is kept must not say anything about them. */
  readonly #unsettled = new Set<Source>();
  #names: SourceNames;
  #isStarted = false;
  #isStopped = false;

  constructor(stream: Stream) {
    this.#stream = stream;
    this.#names = new SourceNames(stream, []);
    this.#keeper = new SourceKeeper(stream, () => this.#current());
  }

  /** Null: it is no mirror. */
  get mirror(): OriginLink | null {
    return this.#mirror;
  }

  /** In the order of the configuration. */
  get sources(): Iterable<SourceLink> {
    return this.#sources.values();
  }

  /** Begins to follow them, once it is known how far the stream is with each. */
  start(): void {
    const { config } = this.#stream;
    this.#setMirror(config);
    if (config.sources.length === 0) {
      this.#isStarted = true;
      return;
    }
    const links = this.#setSources(config);
    for (const { source } of links) this.#unsettled.add(source);
    void this.#keeper.read().then((kept) => {
      this.#isStarted = true;
      this.#begin(links, kept);
    });
  }

  /** The stream goes on with another configuration than `before`. */
  follow(before: StreamConfig): void {
    const { config } = this.#stream;
    if (!same(before.mirror, config.mirror)) this.#setMirror(config, before);
    if (same(before.sources, config.sources)) return;
    this.#forgetConsumers(before.sources, config.sources);
    const links = this.#setSources(config);
    for (const { source } of links) this.#unsettled.add(source);
    this.#begin(links, null);
  }

  /** Takes nothing more. A stream that is deleted does away with its consumers. */
  stop(why: StreamEnd): void {
    this.#isStopped = true;
    const { config } = this.#stream;
    this.#stopMirror(config, why === "deleted");
    if (why === "deleted") this.#forgetConsumers(config.sources, []);
    for (const { link } of this.#sources.values()) link.stop();
    for (const scan of this.#scans) scan.stop();
    this.#keeper.stop();
  }

  /** Writes down how far sources are, where everything is durable. Never rejects. */
  async keep(): Promise<void> {
    const { store } = this.#stream;
    const isDurable = store.failure === null && store.durablePosition >= store.position;
    if (this.#isStarted && isDurable && this.#sources.size > 0) await this.#keeper.keepNow();
  }

  onDurable(position: number): void {
    for (const link of this.#waiting) if (!link.onDurable(position)) this.#waiting.delete(link);
  }

  #setMirror(config: StreamConfig, before: StreamConfig | null = null): void {
    if (before !== null) this.#stopMirror(before, true);
    if (config.mirror === null || this.#isStopped) return;
    this.#mirror = this.#link(new Mirror(this.#stream, config.mirror));
    this.#mirror.start();
  }

  #link(role: OriginRole): OriginLink {
    return new OriginLink(this.#stream, role, (link) => this.#waiting.add(link));
  }

  #stopMirror({ mirror }: StreamConfig, forgets: boolean): void {
    const link = this.#mirror;
    if (mirror === null || link === null) return;
    const { consumerName } = link.role;
    if (forgets && link.mayHaveDurable(consumerName)) forgetConsumer(this.#stream, mirror, consumerName);
    link.stop();
    this.#stream.owner.directMirrors.remove(mirror.name, this.#stream);
    this.#mirror = null;
  }

  /** Keeps links to sources that stay, ends others, and returns those that are new. */
  #setSources({ sources }: StreamConfig): SourceLink[] {
    const before = this.#sources;
    this.#sources = new Map();
    this.#names = new SourceNames(this.#stream, sources);
    const added: SourceLink[] = [];
    for (const config of sources) {
      const source = new Source(this.#stream, config, () => this.#names);
      const key = keyText(source.key);
      const present = before.get(key);
      before.delete(key);
      const link = present ?? { source, link: this.#link(source) };
      if (present === undefined) added.push(link);
      this.#sources.set(key, link);
    }
    for (const { source, link } of before.values()) {
      link.stop();
      this.#unsettled.delete(source);
    }
    return added;
  }

  #begin(links: readonly SourceLink[], kept: KeptCursors | null): void {
    if (this.#isStopped) return;
    let isAllKept = kept !== null;
    for (const { source } of links) {
      const cursor = kept?.cursors.get(keyText(source.key));
      if (cursor === undefined) isAllKept = false;
      else source.cursor.set(cursor.seq, cursor.storedSeq, cursor.identity);
    }
    const firstSeq = isAllKept && kept !== null ? kept.upTo + 1 : 1;
    const scan = new SourceScan(
      this.#stream,
      links.map(({ source }) => source),
      firstSeq,
      () => {
        this.#scans.delete(scan);
        this.#startLinks(links);
      },
    );
    this.#scans.add(scan);
    scan.start();
  }

  #startLinks(links: readonly SourceLink[]): void {
    for (const { source, link } of links) {
      // It may have been taken away meanwhile.
      if (this.#unsettled.delete(source)) link.start();
    }
    if (links.length > 0) this.#keeper.start();
  }

  /** Does away with durable consumers that no source needs any more. */
  #forgetConsumers(before: readonly StreamSource[], after: readonly StreamSource[]): void {
    const names = new SourceNames(this.#stream, before);
    const idOf = ({ name, external }: StreamSource, consumer: string): string =>
      JSON.stringify([name, external?.api ?? "", consumer]);
    const namesAfter = new SourceNames(this.#stream, after);
    const needed = new Set(after.map((source) => idOf(source, namesAfter.of(source))));
    for (const { source, link } of this.#sources.values()) {
      const config = source.source;
      const name = names.of(config);
      if (link.mayHaveDurable(name) && !needed.has(idOf(config, name)))
        forgetConsumer(this.#stream, config, name);
    }
  }

  #current(): KeptCursors {
    const cursors = new Map<string, KeptCursor>();
    for (const [key, { source }] of this.#sources) {
      const { seq, storedSeq, identity, isKnown } = source.cursor;
      if (isKnown && !this.#unsettled.has(source)) cursors.set(key, { seq, storedSeq, identity });
    }
    return { upTo: this.#stream.store.state.lastSeq, cursors };
  }
}
