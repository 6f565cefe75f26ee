import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import { hostname } from "node:os";
import { LogOpenError, type LogDestination } from "./log-destination.ts";
import { dateParts, two, type LogLevel } from "./log-format.ts";
import { systemReason } from "./system-error.ts";
import { STDERR_FD, writeTextSync } from "./write-sync.ts";

/** Syslog severities of the levels, those nats-server uses: trace lines are notices. */
export const SEVERITIES: Readonly<Record<LogLevel, number>> = {
  fatal: 2,
  error: 3,
  warn: 4,
  info: 5,
  trace: 5,
  debug: 7,
};

/** Makes the text of a message as syslog gets it: one line. */
export type MessageText = (level: LogLevel, message: string) => string;

/** A datagram above this is not taken by the network; longer messages are cut. */
const DATAGRAM_BYTES_MAX = 60_000;
/** What may wait while the daemon is slow or away; above it messages are counted and dropped. */
const BACKLOG_BYTES_MAX = 1024 * 1024;
/** Pause between two attempts to reach a daemon that went away. */
const RECONNECT_MS = 1_000;
/** A loss over UDP is told once nothing more was lost for so long: no answer says that the daemon is back. */
const LOSS_QUIET_MS = 1_000;
/** How long leaving may wait for the last messages. */
const CLOSE_MS_MAX = 1_000;

/** Where a remote syslog listens, from its URL. */
export type SyslogAddress =
  | { readonly network: "udp" | "tcp"; readonly host: string; readonly port: number }
  | { readonly network: "unix"; readonly path: string };

/** Understands `udp://host:port`, `tcp://host:port` and `unix:///path`. Throws a `LogOpenError`. */
export function parseSyslogAddress(text: string): SyslogAddress {
  const match = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?([^/]*)(\/.*)?$/.exec(text);
  const network = match?.[1]?.toLowerCase() ?? "";
  if (network === "unix") return { network, path: match?.[3] ?? "" };
  if (network !== "udp" && network !== "tcp") {
    throw new LogOpenError(
      `error invalid network type: ${JSON.stringify(network)} in remote syslog address ${JSON.stringify(text)}`,
    );
  }
  const target = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(match?.[2] ?? "");
  const port = Number(target?.[3]);
  if (target === null || port > 0xffff) {
    throw new LogOpenError(
      `error connecting to syslog: ${JSON.stringify(text)} is not ${network}://host:port`,
    );
  }
  return { network, host: target[1] ?? (target[2] || "localhost"), port };
}

/** Connects to a remote syslog. `tag` is the name of the program. Throws a `LogOpenError`. */
export async function openRemoteSyslog(
  address: SyslogAddress,
  tag: string,
  pid: number,
  text: MessageText,
): Promise<LogDestination> {
  const transport = address.network === "udp" ? new DatagramTransport() : new StreamTransport(address);
  try {
    await transport.open(address);
  } catch (error) {
    throw new LogOpenError(`error connecting to syslog: ${describeAddress(address)}: ${systemReason(error)}`);
  }
  // A daemon on this machine knows its own name and zone: it gets the short form.
  const stamp =
    address.network === "unix" ? () => localStamp(new Date()) : () => `${rfc3339(new Date())} ${hostname()}`;
  return {
    write: (level, message) =>
      transport.send(`<${SEVERITIES[level]}>${stamp()} ${tag}[${pid}]: ${text(level, message)}\n`),
    reopen: () => false,
    close: () => transport.close(),
  };
}

interface Transport {
  open(address: SyslogAddress): Promise<void>;
  send(message: string): void;
  close(): Promise<void>;
}

/**
 * UDP: every message is a datagram; the network may lose it, as syslog over UDP always may. What the system
 * says was lost, because nobody listens there, is counted; more of it may be lost unsaid.
 */
class DatagramTransport implements Transport {
  #socket: DatagramSocket | undefined;
  #target = "";
  #sendingCount = 0;
  #onIdle: (() => void) | undefined;
  #lostCount = 0;
  #lostAtMs = 0;

  open(address: SyslogAddress): Promise<void> {
    if (address.network !== "udp") return Promise.resolve();
    this.#target = describeAddress(address);
    const socket = createSocket(address.host.includes(":") ? "udp6" : "udp4").unref();
    this.#socket = socket;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once("error", reject);
    socket.connect(address.port, address.host, () => {
      // From here on an error means that nobody listens at the moment.
      socket.off("error", reject).on("error", (error) => this.#onLost(error));
      resolve();
    });
    return promise;
  }

  send(message: string): void {
    if (this.#lostCount > 0 && performance.now() - this.#lostAtMs >= LOSS_QUIET_MS) {
      this.#transmit(`<${SEVERITIES.warn}>${this.#lostCount} or more log lines lost before this one\n`);
      this.#lostCount = 0;
    }
    this.#transmit(message);
  }

  #transmit(message: string): void {
    const bytes = Buffer.from(message);
    this.#sendingCount++;
    this.#socket?.send(bytes.subarray(0, DATAGRAM_BYTES_MAX), (error) => {
      this.#sendingCount--;
      if (error !== null) this.#onLost(error);
      if (this.#sendingCount === 0) this.#onIdle?.();
    });
  }

  #onLost(error: Error): void {
    this.#lostCount++;
    this.#lostAtMs = performance.now();
    if (this.#lostCount > 1) return;
    writeTextSync(STDERR_FD, `log lines for syslog at ${this.#target} are lost: ${systemReason(error)}\n`, 0);
  }

  async close(): Promise<void> {
    if (this.#sendingCount > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onIdle = resolve;
      await promise;
    }
    this.#socket?.close();
  }
}

/** TCP or a unix stream socket: messages end with a line feed; a lost connection is made again. */
class StreamTransport implements Transport {
  readonly #address: SyslogAddress;
  #socket: Socket | undefined;
  #connected = false;
  /** The attempt to connect that is under way. */
  #opening: Promise<void> | undefined;
  #closing = false;
  #backlog: string[] = [];
  #backlogBytes = 0;
  #lostCount = 0;

  constructor(address: SyslogAddress) {
    this.#address = address;
  }

  open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#opening = promise;
    const done = (): void => {
      this.#opening = undefined;
    };
    promise.then(done, done);
    const address = this.#address;
    const socket = address.network === "unix" ? connect(address.path) : connect(address.port, address.host);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject).on("error", () => {});
      socket.once("close", () => this.#lost());
      socket.unref();
      this.#socket = socket;
      this.#connected = true;
      this.#sendBacklog();
      resolve();
    });
    return promise;
  }

  send(message: string): void {
    if (this.#connected && this.#socket !== undefined && this.#socket.writableLength <= BACKLOG_BYTES_MAX) {
      if (this.#lostCount > 0) this.#tellLoss(this.#socket);
      this.#socket.write(message);
      return;
    }
    if (!this.#connected && this.#backlogBytes + message.length <= BACKLOG_BYTES_MAX) {
      this.#backlog.push(message);
      this.#backlogBytes += message.length;
      return;
    }
    this.#lostCount++;
  }

  async close(): Promise<void> {
    this.#closing = true;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timeout = setTimeout(resolve, CLOSE_MS_MAX);
    await Promise.race([this.#drain(), late]);
    clearTimeout(timeout);
    this.#socket?.destroy();
  }

  /** Resolves when the system has taken what was still waiting, or nobody is there to take it. */
  async #drain(): Promise<void> {
    if (!this.#connected && (this.#opening !== undefined || this.#backlog.length > 0)) {
      await (this.#opening ?? this.open()).catch(() => {});
    }
    const socket = this.#socket;
    if (this.#connected && socket !== undefined) {
      await new Promise<void>((resolve) => socket.end(() => resolve()));
    }
  }

  #lost(): void {
    this.#connected = false;
    if (this.#closing) return;
    writeTextSync(
      STDERR_FD,
      `lost connection to syslog at ${describeAddress(this.#address)}; trying again\n`,
    );
    this.#reconnectLater();
  }

  #reconnectLater(): void {
    setTimeout(() => {
      if (!this.#closing) this.open().catch(() => this.#reconnectLater());
    }, RECONNECT_MS).unref();
  }

  #sendBacklog(): void {
    for (const message of this.#backlog) this.#socket?.write(message);
    this.#backlog = [];
    this.#backlogBytes = 0;
  }

  #tellLoss(socket: Socket): void {
    socket.write(`<${SEVERITIES.warn}>${this.#lostCount} log line(s) lost before this one\n`);
    this.#lostCount = 0;
  }
}

function describeAddress(address: SyslogAddress): string {
  return address.network === "unix" ? address.path : `${address.network} ${address.host}:${address.port}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Nov  3 05:30:33`: the time stamp of RFC 3164. */
function localStamp(date: Date): string {
  const day = String(date.getDate()).padStart(2);
  return `${MONTHS[date.getMonth()]} ${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `2026-11-20T05:30:31Z` or, away from UTC, `2026-11-20T14:30:31+09:00`. */
function rfc3339(date: Date): string {
  const [year, month, day, hour, minute, second] = dateParts(date, false);
  const offset = -date.getTimezoneOffset();
  const minutes = Math.abs(offset);
  const zone =
    offset === 0 ? "Z" : `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`;
}
