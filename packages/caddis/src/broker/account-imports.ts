import type { Account } from "./account.ts";
import type { AccountLink } from "./account-links.ts";
import { ServiceImport } from "./service-import.ts";
import { type RenamedMessage, StreamImport } from "./stream-import.ts";
import type { Subscription } from "./subscription.ts";

/** The imports of one account at work. */
export class AccountImports {
  readonly #account: Account;
  #streams: StreamImport[] = [];
  #services: ServiceImport[] = [];

  constructor(account: Account) {
    this.#account = account;
  }

  get streams(): readonly StreamImport[] {
    return this.#streams;
  }

  get services(): readonly ServiceImport[] {
    return this.#services;
  }

  /**
   * Imports `links` and nothing else, from what `exporterOf` gives for a name. An import that was there stays
   * as it is; one that is not wanted any more ends at once.
   */
  set(
    links: readonly AccountLink[],
    exporterOf: (name: string) => Account | undefined,
    renamed: RenamedMessage,
  ): void {
    const wanted = new Map<string, { readonly link: AccountLink; readonly exporter: Account }>();
    for (const link of links) {
      const exporter = exporterOf(link.exporter);
      if (exporter !== undefined) wanted.set(link.key, { link, exporter });
    }
    const stays = (present: StreamImport | ServiceImport): boolean => {
      if (wanted.get(present.link.key)?.exporter !== present.exporter) {
        present.end();
        return false;
      }
      wanted.delete(present.link.key);
      return true;
    };
    this.#streams = this.#streams.filter(stays);
    this.#services = this.#services.filter(stays);
    for (const { link, exporter } of wanted.values()) {
      if (link.kind === "service") this.#services.push(new ServiceImport(link, this.#account, exporter));
      else this.#addStream(new StreamImport(link, this.#account, exporter, renamed));
    }
  }

  /** A subscription has begun. */
  follow(subscription: Subscription): void {
    if (!isFollowed(subscription)) return;
    for (const stream of this.#streams) stream.follow(subscription);
  }

  /** A subscription has ended. */
  forget(subscription: Subscription): void {
    for (const stream of this.#streams) stream.forget(subscription);
  }

  /** Imports nothing any more. */
  end(): void {
    for (const present of [...this.#streams, ...this.#services]) present.end();
    this.#streams = [];
    this.#services = [];
  }

  #addStream(stream: StreamImport): void {
    this.#streams.push(stream);
    // First all of them: an account may import from itself.
    const subscriptions: Subscription[] = [];
    this.#account.sublist.forEach((subscription) => subscriptions.push(subscription));
    for (const subscription of subscriptions) if (isFollowed(subscription)) stream.follow(subscription);
  }
}

/** Whether imported streams go to it: not to other imports, which stand for subscriptions elsewhere. */
function isFollowed({ client, receiver }: Subscription): boolean {
  return client !== null || receiver?.takesImports === true;
}
