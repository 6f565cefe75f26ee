/** What is asked of /healthz. Empty strings ask for nothing in particular. */
export interface HealthzQuery {
  readonly account: string;
  readonly stream: string;
  readonly consumer: string;
  /** Whether what is wrong is listed with its kind rather than told in one text. */
  readonly details: boolean;
}

/** What is wrong, with `details`. */
interface HealthzError {
  readonly type: "CONNECTION" | "BAD_REQUEST";
  readonly error: string;
}

/** The answer of /healthz and the HTTP status that goes with it. */
export interface Healthz {
  readonly httpStatus: 200 | 400 | 500;
  readonly body: {
    readonly status: "ok" | "error";
    readonly error?: string;
    readonly errors?: readonly HealthzError[];
  };
}

/**
 * Tells whether the server does its work. `takesConnections` is false while it starts or sends its clients
 * away. JetStream is not configured, and so it is as healthy as it is in the reference then.
 */
export function healthz(takesConnections: boolean, query: HealthzQuery): Healthz {
  const { account, stream, consumer, details } = query;
  const failed = (httpStatus: 400 | 500, type: HealthzError["type"], error: string): Healthz => ({
    httpStatus,
    body: details ? { status: "error", errors: [{ type, error }] } : { status: "error", error },
  });
  if (account === "" && stream !== "") {
    return failed(400, "BAD_REQUEST", '"account" must not be empty when checking stream health');
  }
  if (stream === "" && consumer !== "") {
    return failed(400, "BAD_REQUEST", '"stream" must not be empty when checking consumer health');
  }
  if (!takesConnections) {
    return failed(500, "CONNECTION", "failed to be ready for connections after 1ms: server");
  }
  return { httpStatus: 200, body: { status: "ok" } };
}
