import type { Broker } from "../../broker/broker.ts";
import { formatTime, toNanoseconds } from "../format.ts";

/** The port for WebSocket in /varz. Fields stand in the reference's order; one that is undefined is left out. */
export interface VarzWebsocket {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly advertise?: string | undefined;
  readonly no_auth_user?: string | undefined;
  readonly jwt_cookie?: string | undefined;
  /** Nanoseconds. */
  readonly handshake_timeout?: number | undefined;
  /** Seconds. */
  readonly auth_timeout?: number | undefined;
  readonly no_tls?: true | undefined;
  readonly tls_map?: true | undefined;
  readonly tls_pinned_certs?: readonly string[] | undefined;
  readonly same_origin?: true | undefined;
  readonly allowed_origins?: readonly string[] | undefined;
  readonly compression?: true | undefined;
  readonly tls_ocsp_peer_verify?: true | undefined;
  readonly tls_cert_not_after?: string | undefined;
}

/** How the port for WebSocket is configured; nothing where there is none. */
export function varzWebsocket({ options, websocket: facts }: Broker): VarzWebsocket {
  const { websocket } = options;
  if (facts === null) return {};
  const { tls } = websocket;
  return {
    host: websocket.host || undefined,
    port: facts.port,
    advertise: websocket.advertise || undefined,
    no_auth_user: websocket.no_auth_user || undefined,
    jwt_cookie: websocket.jwt_cookie || undefined,
    handshake_timeout: toNanoseconds(websocket.handshake_timeout) || undefined,
    auth_timeout: websocket.authorization.timeout / 1000 || undefined,
    no_tls: websocket.no_tls || undefined,
    tls_map: tls?.verify_and_map || undefined,
    tls_pinned_certs: unlessEmpty(tls?.pinned_certs),
    same_origin: websocket.same_origin || undefined,
    allowed_origins: unlessEmpty(websocket.allowed_origins),
    compression: websocket.compression || undefined,
    tls_ocsp_peer_verify: tls?.ocsp_peer?.verify || undefined,
    tls_cert_not_after: facts.notAfterMs === null ? undefined : formatTime(facts.notAfterMs),
  };
}

function unlessEmpty(list: readonly string[] = []): readonly string[] | undefined {
  return list.length === 0 ? undefined : list;
}
