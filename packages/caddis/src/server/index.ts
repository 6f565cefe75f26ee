/** The library: a NATS server inside your process. */
export { CADDIS_VERSION, COMPATIBLE_VERSION } from "../base/version.ts";
export { ConfigError } from "../config/config-error.ts";
export type { CaddisServer } from "./caddis-server.ts";
export { createServer, type ServerExtras } from "./create-server.ts";
export type { ServerOptions } from "./embedded-options.ts";
export type { InProcessConnection, InProcessHandlers } from "./in-process-connection.ts";
export type { Logger } from "./logger.ts";
export type { PluginHost, RunningPlugin, ServerPlugin } from "./plugin.ts";
export type { ConnectionInfo, DisconnectInfo, ServerHandlers, SlowConsumerInfo } from "./server-events.ts";
export type {
  NoAnswer,
  PermissionsSource,
  PolicyAnswer,
  PolicyDecision,
  PolicyFeed,
  PolicyQuestion,
  PolicyRoute,
  PolicyRule,
  PolicyUser,
  PublishAnswer,
  PublishOutcome,
  SubscribeAnswer,
} from "./policy/policy.ts";
export { testPolicy } from "./policy/test-policy.ts";
