import type { Log } from "../../packages/caddis/src/io/log.ts";
import type { OcspFolder, OcspRequest, OcspTransport } from "../../packages/caddis/src/io/ocsp.ts";

type Reply = Uint8Array | string;

/** Responders that answer as a test says. */
export class FakeOcspTransport implements OcspTransport {
  /** What was asked: method and URL, a GET's without its question. */
  readonly asked: string[] = [];
  reply: (request: OcspRequest) => Reply | Promise<Reply> = () => "nobody is there";
  isClosed = false;

  send(request: OcspRequest): Promise<Reply> {
    const url = request.body === null ? request.url.replace(/\/[^/]*$/, "") : request.url;
    this.asked.push(`${request.method} ${url}`);
    return Promise.resolve(this.reply(request));
  }

  close(): void {
    this.isClosed = true;
  }
}

/** A folder in memory. */
export class FakeOcspFolder implements OcspFolder {
  readonly files = new Map<string, Uint8Array>();
  /** When set, nothing works, and this is why. */
  problem: string | null = null;

  read(name: string): Promise<Reply | null> {
    return Promise.resolve(this.problem ?? this.files.get(name) ?? null);
  }

  write(name: string, bytes: Uint8Array): Promise<string | null> {
    if (this.problem === null) this.files.set(name, bytes);
    return Promise.resolve(this.problem);
  }
}

/** A log that keeps what it is told, as `level: message`. */
export class ListLog implements Log {
  readonly debugEnabled = true;
  readonly traceEnabled = true;
  readonly lines: string[] = [];

  info(message: string): void {
    this.lines.push(`info: ${message}`);
  }

  warn(message: string): void {
    this.lines.push(`warn: ${message}`);
  }

  error(message: string): void {
    this.lines.push(`error: ${message}`);
  }

  fatal(message: string): void {
    this.lines.push(`fatal: ${message}`);
  }

  debug(message: string): void {
    this.lines.push(`debug: ${message}`);
  }

  trace(message: string): void {
    this.lines.push(`trace: ${message}`);
  }
}
