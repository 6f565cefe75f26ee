import type { HttpAnswer, HttpRequest } from "../io/http.ts";
import type { Resources } from "../io/resources.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import type { Surroundings } from "../io/surroundings.ts";
import type { VarzSource } from "../system/views/varz.ts";
import type { Query } from "./query.ts";

/** What monitoring needs of a server. */
export interface MonitoredServer extends Omit<VarzSource, "httpRequests" | "usage"> {
  readonly resources: Resources;
  /** Null or absent where nobody knows. */
  readonly surroundings?: Surroundings | null;
  /** True from the moment at which clients could connect for the first time. */
  readonly hasStarted: boolean;
  /** False while it starts or sends its clients away. */
  readonly takesConnections: boolean;
}

/** Everything an endpoint can tell about. */
export interface Monitored {
  readonly server: MonitoredServer;
  readonly httpRequests: ReadonlyMap<string, number>;
  readonly metrics: ServerMetrics;
}

/** Something to ask for. */
export interface Endpoint {
  readonly path: string;
  /** For the index page. */
  readonly title: string;
  /**
   * Whether /varz counts requests for it: all of them, or, for want of the reference's reasons, those whose
   * parameters could be read, or none.
   */
  readonly counted: "all" | "readable" | "none";
  /** Reads its parameters before it returns; a promise is for answers that take more than one turn. */
  readonly answer: (
    monitored: Monitored,
    query: Query,
    request: HttpRequest,
  ) => HttpAnswer | Promise<HttpAnswer>;
}
