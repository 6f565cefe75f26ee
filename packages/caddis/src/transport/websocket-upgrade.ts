import type { Options } from "../config/options.ts";
import type { UpgradeAnswer, UpgradeRequest } from "../io/websocket.ts";
import { cookieCredentials } from "./cookies.ts";
import { browserFraming } from "./websocket-framing.ts";
import { originProblem } from "./websocket-origin.ts";

/** The options of the `websocket` block. */
export type WebsocketOptions = Options["websocket"];

/** 16 bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{21}[AQgw]==$/;
/** Paths that end so are for other kinds of connection. */
const LEAFNODE_SUFFIX = "/leafnode";
const MQTT_SUFFIX = "/mqtt";

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const IPV6 = /^(?=[^:]*:[^:]*:)[0-9a-f:.]{2,45}$/i;

/**
 * Grants a request to become a WebSocket, or says what is wrong with it, in the order and with the words of the
 * reference. See RFC 6455, 4.2.1.
 */
export function reviewUpgrade(request: UpgradeRequest, options: WebsocketOptions): UpgradeAnswer {
  return refusalOf(request, options) ?? grant(request, options);
}

function refusalOf(request: UpgradeRequest, options: WebsocketOptions): UpgradeAnswer | null {
  const { method, target } = request;
  const path = target.split("?", 1)[0];
  if (path.endsWith(MQTT_SUFFIX)) return refused(404, "mqtt websocket endpoint not enabled");
  if (method !== "GET") return refused(405, "request method must be GET");
  if (first(request, "host") === "") return refused(400, "'Host' missing in request");
  if (!hasToken(request, "upgrade", "websocket")) return refused(400, "invalid value for header 'Upgrade'");
  if (!hasToken(request, "connection", "upgrade"))
    return refused(400, "invalid value for header 'Connection'");
  const key = first(request, "sec-websocket-key");
  if (key === "") return refused(400, "key missing");
  if (!KEY.test(key)) return refused(400, "invalid websocket key");
  if (!hasToken(request, "sec-websocket-version", "13")) return refused(400, "invalid version");
  const problem = originProblem(request, options);
  if (problem !== null) return refused(403, `origin not allowed: ${problem}`);
  if (path.endsWith(LEAFNODE_SUFFIX)) return refused(404, "Not configured to accept leaf node connections");
  return null;
}

function grant(request: UpgradeRequest, options: WebsocketOptions): UpgradeAnswer {
  return {
    granted: true,
    upgrade: {
      cookies: cookieCredentials(request.headers.get("cookie") ?? [], options),
      forwardedFor: forwardedFor(request),
    },
    framing: browserFraming(first(request, "user-agent"), options.compression),
  };
}

/** The client of the first proxy, when it is an address. */
function forwardedFor(request: UpgradeRequest): string {
  const address = first(request, "x-forwarded-for").split(",", 1)[0].trim();
  return IPV4.test(address) || IPV6.test(address) ? address : "";
}

function refused(status: number, reason: string): UpgradeAnswer {
  return { granted: false, status, reason };
}

function first({ headers }: UpgradeRequest, name: string): string {
  return headers.get(name)?.[0] ?? "";
}

/** Whether the comma-separated field `name` has `token`, given in lower case. */
function hasToken({ headers }: UpgradeRequest, name: string, token: string): boolean {
  return (headers.get(name) ?? []).some((value) =>
    value.split(",").some((part) => part.trim().toLowerCase() === token),
  );
}
