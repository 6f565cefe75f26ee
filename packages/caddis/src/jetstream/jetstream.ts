import type { Broker } from "../broker/broker.ts";
import type { Disk } from "../io/disk.ts";
import type { JetStreamAccount } from "./account.ts";
import type { JetStreamSettings } from "./settings.ts";

/** JetStream of one server: its accounts, what all of them may use together, and how it starts and stops. */
export class JetStream {
  readonly broker: Broker;
  readonly disk: Disk;
  readonly settings: JetStreamSettings;
  /** By name, the accounts for which it is enabled. */
  readonly accounts = new Map<string, JetStreamAccount>();

  constructor(broker: Broker, disk: Disk, settings: JetStreamSettings) {
    this.broker = broker;
    this.disk = disk;
    this.settings = settings;
  }
}
