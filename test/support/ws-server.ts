import type { TestContext } from "node:test";
import { AttackedServer } from "./attacked-server.ts";
import { type UpgradeParts, WsPeer } from "./ws-peer.ts";

/** A server in this process with a port for WebSocket. */
export class WsServer {
  readonly attacked: AttackedServer;
  readonly #peers: WsPeer[] = [];

  private constructor(attacked: AttackedServer) {
    this.attacked = attacked;
  }

  /** Starts one whose `websocket` block has `block` besides its port; in the clear unless that says otherwise. */
  static async start(t: TestContext, block = "", config = ""): Promise<WsServer> {
    const tls = block.includes("tls {") ? "" : "no_tls: true";
    // Before the server, which would wait for them.
    const server = new WsServer(
      await AttackedServer.start(t, `${config}\nwebsocket { listen: "127.0.0.1:-1"\n${tls}\n${block} }`),
    );
    t.after(() => {
      for (const peer of server.#peers) peer.drop();
    });
    return server;
  }

  get server(): AttackedServer["server"] {
    return this.attacked.server;
  }

  get url(): string {
    return this.server.websocketUrls[0];
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get log(): readonly string[] {
    return this.attacked.log.lines;
  }

  /** A peer that asked for the upgrade. */
  async open(parts: UpgradeParts = {}): Promise<WsPeer> {
    return this.keep(await WsPeer.open(this.port, parts));
  }

  /** A peer that came in. */
  async enter(parts: UpgradeParts = {}, fields: object = {}): Promise<WsPeer> {
    return this.keep(await WsPeer.enter(this.port, parts, fields));
  }

  /** Ends with the test. */
  keep(peer: WsPeer): WsPeer {
    this.#peers.push(peer);
    return peer;
  }
}
