import type { CaddisServer, InProcessConnection } from "../../packages/caddis/src/server/index.ts";

/** An in-process connection without any client logic: text out as it is given, text in as it comes (latin1). */
export class InProcessPeer {
  readonly connection: InProcessConnection;
  /** All that came and was not taken. */
  text = "";
  isClosed = false;

  constructor(server: CaddisServer) {
    this.connection = server.openInProcess({
      onData: (bytes) => {
        this.text += Buffer.from(bytes).toString("latin1");
      },
      onClose: () => {
        this.isClosed = true;
      },
    });
  }

  send(text: string): void {
    this.connection.send(Buffer.from(text, "latin1"));
  }

  /** What came since the last time. */
  take(): string {
    const { text } = this;
    this.text = "";
    return text;
  }
}
