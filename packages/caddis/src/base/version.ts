/** Caddis's own version; `package.json` carries the same, which a test checks. */
export const CADDIS_VERSION = "0.1.0";

/** The version of nats-server whose behaviour this is: what INFO and /varz report, so that clients switch on what they know. */
export const COMPATIBLE_VERSION = "2.15.1";

/** Client protocol: 1 means that INFO may come at any time. */
export const CLIENT_PROTOCOL = 1;
