import type { Client } from "./client.ts";
import { introduction } from "./trace.ts";

/** `ip:port - cid:N`, then what CONNECT told, as the reference begins each line about a connection. */
export function clientLabel(client: Client): string {
  const { transport, cid, introducedBy, account, identity } = client;
  const base = `${addressOf(client)} - ${transport === "websocket" ? "wid" : "cid"}:${cid}`;
  return introducedBy === null ? base : base + introduction(introducedBy, account.logName, identity);
}

function addressOf({ transport, pipe, arrival }: Client): string {
  if (transport === "in-process") return "pipe";
  const peer = `${pipe.remoteHost}:${pipe.remotePort}`;
  const forwardedFor = arrival?.forwardedFor ?? "";
  if (forwardedFor === "") return peer;
  return `${forwardedFor.includes(":") ? `[${forwardedFor}]` : forwardedFor}/${peer}`;
}
