import type { HttpPost } from "../io/http-post.ts";
import type { MonitoredServer } from "../monitor/endpoint.ts";

/** What a plugin gets to see. */
export interface PluginHost {
  readonly server: MonitoredServer;
  readonly post: HttpPost;
}

/** A plugin at work in one server. */
export interface RunningPlugin {
  /** The server is down, and nothing comes any more. Never rejects, and does not take long. */
  close(): Promise<void>;
}

/** Something to have beside a server, for `plugins` of `createServer`. One object serves any number of servers. */
export interface ServerPlugin {
  /** Called before anybody can connect. */
  start(host: PluginHost): RunningPlugin;
}
