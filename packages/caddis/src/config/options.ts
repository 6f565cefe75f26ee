import { JETSTREAM_OPTIONS } from "./jetstream-options.ts";
import { LIMIT_OPTIONS } from "./limit-options.ts";
import { LOG_OPTIONS } from "./log-options.ts";
import { MONITORING_OPTIONS } from "./monitoring-options.ts";
import { NETWORK_OPTIONS } from "./network-options.ts";
import { custom, type InputOf, type OptionTable, type ResolvedOf } from "./option-row.ts";
import { readFeatureFlags } from "./read-jetstream.ts";
import { SECURITY_OPTIONS } from "./security-options.ts";
import { UNBUILT_OPTIONS } from "./unbuilt-options.ts";
import { WEBSOCKET_OPTIONS } from "./websocket-options.ts";

/**
 * Every option there is: the one source for validation, defaults, TypeScript types and `docs/options.md`.
 * Names, aliases and defaults are those of nats-server; a row with `own` is an addition of Caddis. The rows
 * of most groups stand in files of their own, those of parts that are not built yet, too.
 */

/** The options of a server, by their canonical names. */
export const OPTIONS = {
  ...NETWORK_OPTIONS,
  ...LIMIT_OPTIONS,
  ...LOG_OPTIONS,
  ...MONITORING_OPTIONS,
  ...SECURITY_OPTIONS,
  mappings: {
    type: "mappings",
    aliases: ["maps"],
    group: "Subjects",
    doc: "Maps the subjects that clients publish to onto others, by pattern and by weight.",
    reload: true,
  },
  ...UNBUILT_OPTIONS,
  websocket: {
    type: "block",
    rows: WEBSOCKET_OPTIONS,
    aliases: ["ws"],
    group: "WebSocket",
    doc: "Port for clients over WebSocket, browsers above all.",
    reload: true,
  },
  jetstream: {
    type: "block",
    rows: JETSTREAM_OPTIONS,
    switch: "enabled",
    group: "JetStream",
    doc: "Streams, consumers, key-value and object stores. `true` and `enabled` stand for the defaults of all that is in it.",
    reload: true,
  },
  store_dir: {
    type: "string",
    default: "",
    aliases: ["storedir"],
    group: "JetStream",
    doc: "Folder for JetStream's data; the same as `store_dir` in `jetstream`, and not together with it.",
    reload: false,
  },
  feature_flags: custom<Readonly<Record<string, boolean>>, Readonly<Record<string, boolean>>>({
    default: {},
    form: "map of booleans",
    read: readFeatureFlags,
    group: "JetStream",
    doc: "Switches for single features of JetStream, by name. `js_ack_fc_v2` has deliveries ask for acknowledgements at longer subjects, which name domain and account; others have no effect.",
    reload: false,
  }),
} as const satisfies OptionTable;

/**
 * What `createServer` takes: all optional, names and values as in a configuration file. Durations are Go
 * duration strings (`"2m"`), sizes numbers of bytes or strings with a suffix (`"64KB"`).
 */
export interface OptionsInput extends InputOf<typeof OPTIONS> {}

/**
 * What a server runs with: every option present, durations in **milliseconds**, sizes in bytes. `port` 0 and
 * `http_port` -1 stand for any free port, `http_port` and `https_port` 0 for no monitoring; `http_host` is never empty.
 * `max_connections` -1 refuses every client; 0 elsewhere under "Limits" means no limit.
 */
export interface Options extends ResolvedOf<typeof OPTIONS> {
  /** Whether there is an `authorization` block, even an empty one. */
  readonly hasAuthorization: boolean;
}
