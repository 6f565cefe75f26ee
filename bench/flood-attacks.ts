import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** How a server under attack is configured; see `flood-servers.ts`. */
export type FloodServerKind = "password" | "bcrypt" | "nkey" | "operator" | "callout" | "tls" | "mutual";

/** What an attacker knows of a server: the way to it, and tokens and certificates of its own making. */
export interface FloodTarget {
  readonly port: number;
  /** A user's token as long as a control line may be, signed by a key that nobody trusts. */
  readonly longJwt: string;
  /** A token of a user that the operator's account knows. */
  readonly knownJwt: string;
  readonly userNkey: string;
  /** 100 certificates, PEM, one signed by the next, and the key of the first. */
  readonly chain: string;
  readonly chainKey: string;
}

/** One way to cost a server something without showing a right to be there. */
export interface FloodAttack {
  readonly name: string;
  readonly server: FloodServerKind;
  /** Connects, and does what this attack does with the connection. */
  begin(target: FloodTarget, onEnd: () => void): Socket;
}

const CONTROL_LINE_MAX = 4_096;
const WRONG_SIGNATURE = Buffer.alloc(64, 1).toString("base64url");
/** Header of a TLS record, and of a ClientHello in it that says how long it is. */
const RECORD = [0x16, 0x03, 0x01];

function open({ port }: FloodTarget, onEnd: () => void, onConnect: (socket: Socket) => void): Socket {
  const socket = connectTcp({ host: "127.0.0.1", port, noDelay: true });
  let isOver = false;
  socket.on("connect", () => onConnect(socket));
  socket.on("data", () => {});
  socket.on("error", () => {});
  socket.on("close", () => {
    if (!isOver) onEnd();
    isOver = true;
  });
  return socket;
}

/** Writes `bytes` at once. */
function says(
  name: string,
  server: FloodServerKind,
  bytes: (target: FloodTarget) => string | Buffer,
): FloodAttack {
  return {
    name,
    server,
    begin: (target, onEnd) => open(target, onEnd, (socket) => socket.write(bytes(target))),
  };
}

function connectLine(fields: object): string {
  return `CONNECT ${JSON.stringify(fields)}\r\n`;
}

/** The beginning of a ClientHello that says to be `length` long: its header and `more` bytes, in records of their own. */
function partOfHello(length: number, more: number): Buffer {
  const header = Buffer.from([...RECORD, 0, 4, 1, length >> 16, (length >> 8) & 0xff, length & 0xff]);
  const bytes = Buffer.alloc(5 + more);
  bytes.set([...RECORD, more >> 8, more & 0xff]);
  return more === 0 ? header : Buffer.concat([header, bytes]);
}

/** A handshake, and silence behind it. */
function handshake(
  name: string,
  server: FloodServerKind,
  shows: (target: FloodTarget) => object,
): FloodAttack {
  return {
    name,
    server,
    begin: (target, onEnd) =>
      open(target, onEnd, (socket) => {
        socket.removeAllListeners("data");
        socket.once("data", () => {
          const secured = connectTls({ socket, rejectUnauthorized: false, ...shows(target) });
          secured.on("error", () => socket.destroy());
          secured.on("data", () => {});
        });
      }),
  };
}

export const FLOOD_ATTACKS: readonly FloodAttack[] = [
  says("says nothing", "password", () => ""),
  says(
    "a CONNECT that does not end, as long as it may be",
    "password",
    () => `CONNECT ${"x".repeat(CONTROL_LINE_MAX)}`,
  ),
  says("64 KiB of spaces behind CONNECT", "password", () => `CONNECT${" ".repeat(65_536)}`),
  {
    name: "a CONNECT in pieces of 16 bytes",
    server: "password",
    begin: (target, onEnd) =>
      open(target, onEnd, (socket) => {
        const line = `CONNECT ${"x".repeat(CONTROL_LINE_MAX)}`;
        let position = 0;
        const next = (): void => {
          if (position >= line.length || socket.destroyed) return;
          socket.write(line.slice(position, (position += 16)), () => setImmediate(next));
        };
        next();
      }),
  },
  says("a CONNECT with 4,000 nested lists", "password", () => `CONNECT {"a":${"[".repeat(4_000)}\r\n`),
  says(
    "a CONNECT with 2,000 closed nested lists",
    "password",
    () => `CONNECT {"a":${"[".repeat(2_000)}${"]".repeat(2_000)}}\r\n`,
  ),
  says("a CONNECT with 400 keys", "password", () => {
    const keys = Array.from({ length: 400 }, (_, i) => `"${i}":1.5`);
    return `CONNECT {${keys.join(",")}}\r\n`;
  }),
  says("a wrong password", "password", () => connectLine({ user: "ann", pass: "x" })),
  says("a wrong password, against bcrypt", "bcrypt", () => connectLine({ user: "ann", pass: "x" })),
  says(
    "a wrong password, against bcrypt, and 60 KiB behind it",
    "bcrypt",
    () => connectLine({ user: "ann", pass: "x" }) + "PING\r\n".repeat(10_000),
  ),
  says("a wrong signature", "nkey", ({ userNkey }) => connectLine({ nkey: userNkey, sig: WRONG_SIGNATURE })),
  says("a JWT that nobody trusts, as long as it may be", "operator", ({ longJwt }) =>
    connectLine({ jwt: longJwt, sig: WRONG_SIGNATURE }),
  ),
  says("somebody's JWT and a wrong signature", "operator", ({ knownJwt }) =>
    connectLine({ jwt: knownJwt, sig: WRONG_SIGNATURE }),
  ),
  says("a question for the callout service, which does not answer", "callout", () =>
    connectLine({ user: "x", pass: "y" }),
  ),
  says(
    "the same, and 60 KiB behind it",
    "callout",
    () => connectLine({ user: "x", pass: "y" }) + "PING\r\n".repeat(10_000),
  ),
  says("TLS: says nothing", "tls", () => ""),
  says("TLS: one byte", "tls", () => Buffer.from([0x16])),
  says("TLS: a record's header", "tls", () => Buffer.from([...RECORD, 0x40, 0])),
  says("TLS: the header of a hello that is 16 KiB long", "tls", () => partOfHello(0x3f00, 0)),
  says("TLS: the header of a hello that is 128 KiB long", "tls", () => partOfHello(0x1ff00, 0)),
  says("TLS: 16 KiB of a hello that is 128 KiB long", "tls", () => partOfHello(0x1ff00, 0x3fff)),
  handshake("TLS: a handshake, then nothing", "tls", () => ({})),
  handshake("TLS: a handshake, then nothing, TLS 1.2", "tls", () => ({ maxVersion: "TLSv1.2" })),
  handshake("mutual TLS: no certificate", "mutual", () => ({})),
  handshake("mutual TLS: 100 certificates", "mutual", ({ chain, chainKey }) => ({
    cert: chain,
    key: chainKey,
  })),
];
