import { checkMetricsPrefix } from "./checks.ts";
import type { OptionTable } from "./option-row.ts";

/** Where monitoring answers, and how. */
export const MONITORING_OPTIONS = {
  http: {
    type: "address",
    into: ["http_host", "http_port"],
    group: "Monitoring",
    doc: "Address for monitoring as host:port, or only a port; another way to give `http_host` and `http_port`.",
    reload: false,
  },
  http_host: {
    type: "string",
    default: "",
    own: true,
    group: "Monitoring",
    doc: "Address to listen on for monitoring. Empty: that of clients.",
    reload: false,
  },
  http_port: {
    type: "int",
    default: 0,
    min: -1,
    max: 65535,
    bounds: "Ports have 16 bits; -1 asks for any free one.",
    aliases: ["monitor_port"],
    group: "Monitoring",
    doc: "Port for monitoring over HTTP. 0: none; -1: any free one.",
    reload: false,
  },
  https: {
    type: "address",
    into: ["http_host", "https_port"],
    group: "Monitoring",
    doc: "Address for monitoring over HTTPS as host:port, or only a port; another way to give `http_host` and `https_port`.",
    reload: false,
  },
  https_port: {
    type: "int",
    default: 0,
    min: -1,
    max: 65535,
    bounds: "Ports have 16 bits; -1 asks for any free one.",
    group: "Monitoring",
    doc: "Port for monitoring over HTTPS, by the certificates of `tls`; instead of `http_port`. 0: none; -1: any free one.",
    reload: false,
  },
  http_base_path: {
    type: "string",
    default: "",
    group: "Monitoring",
    doc: "Path that all monitoring URLs begin with.",
    reload: false,
  },
  metrics_prefix: {
    type: "string",
    default: "gnatsd",
    own: true,
    check: checkMetricsPrefix,
    group: "Monitoring",
    doc: "What the names of those figures of `/metrics` begin with that prometheus-nats-exporter has, too. Its own default; the Helm chart has `nats`.",
    reload: true,
  },
} as const satisfies OptionTable;
