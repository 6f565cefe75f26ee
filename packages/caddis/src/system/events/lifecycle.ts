import type { Broker } from "../../broker/broker.ts";
import { goJson } from "../../broker/go-json.ts";
import { makeMessage } from "../../broker/message.ts";
import { serverInfo } from "../server-info.ts";
import { isInterested } from "./interest.ts";

/** The last things a server says of itself. */
export type LifecycleEvent = "LAMEDUCK" | "SHUTDOWN";

/** Tells the system account that the server goes. At once, since its connections may be closed next. */
export function announceLifecycle(broker: Broker, event: LifecycleEvent): void {
  const { systemAccount, serverId } = broker;
  const subject = `$SYS.SERVER.${serverId}.${event}`;
  if (systemAccount === null || !isInterested(systemAccount, subject)) return;
  const json = goJson(serverInfo(broker));
  systemAccount.publish(makeMessage(subject, "", "", Buffer.from(json, "utf8")));
  broker.flusher.flush();
}
