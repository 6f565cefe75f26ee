import type { Clock } from "../io/clock.ts";
import type { Compression } from "../io/compression.ts";
import type { Http } from "../io/http.ts";
import type { Log } from "../io/log.ts";
import type { Net } from "../io/pipe.ts";
import type { Random } from "../io/random.ts";
import type { SecurityPorts } from "../io/security.ts";
import type { Resources } from "../io/resources.ts";
import type { StoragePort } from "../io/storage.ts";
import type { Surroundings } from "../io/surroundings.ts";
import type { WebsocketNet } from "../io/websocket.ts";
import type { ReloadPart } from "./reload-part.ts";

/** The world, as one server sees it. */
export interface ServerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly net: Net;
  /** For monitoring. */
  readonly http: Http;
  readonly websocket: WebsocketNet;
  readonly resources: Resources;
  /** For explanations; absent: they say less. */
  readonly surroundings?: Surroundings;
  /** For answers in the system account. */
  readonly compression: Compression;
  /** For JetStream; absent: there can't be any. */
  readonly storage?: StoragePort;
  /** Passwords, certificates, account JWTs. */
  readonly security: SecurityPorts;
  /** What INFO and /varz name as the runtime. */
  readonly runtime: string;
  /** What follows the server's options besides itself: the log, say. */
  readonly followers?: readonly ReloadPart[];
}
