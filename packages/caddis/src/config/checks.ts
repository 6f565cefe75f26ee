/** Checks of single values that the options table refers to. Each returns what is wrong, or null. */

/** The form `host:port`, `:port` or `[v6]:port`; a port may have a sign, as Go reads numbers. */
const HOST_PORT = /^\s*(?:\[([^[\]]*)\]|([^:[\]]*)):([^:]*)$/;
const PORT = /^[+-]?\d{1,9}$/;

/** The form `host`, `host:port`, `:port`, `[v6]` or `[v6]:port`. */
const ADVERTISED = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::([^:[\]]*))?$/;
const WHOLE_NUMBER = /^[+-]?\d+$/;

const PORT_MAX = 65_535;

/** Clients and tools print the name in lines where a space separates words. */
export function checkServerName(name: string): string | null {
  return name.includes(" ") ? "server name cannot contain spaces" : null;
}

/** What the names of metrics may begin with; colons are for rules. */
export function checkMetricsPrefix(prefix: string): string | null {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(prefix)
    ? null
    : "metrics_prefix must be letters, digits and underscores";
}

/** An address as `parseAdvertised` takes it. */
export function checkAdvertised(address: string): string | null {
  const parsed = parseAdvertised(address);
  return "problem" in parsed ? parsed.problem : null;
}

/**
 * Splits the address that others are told: `host`, `host:port`, or with brackets around a host that has
 * colons. Port 0 stands for the one listened on, as do none and -1. Like the reference (probed) it takes any
 * other whole number for a port, and an empty host.
 */
export function parseAdvertised(text: string): { host: string; port: number } | { problem: string } {
  const found = ADVERTISED.exec(text);
  if (found === null) return { problem: `could not parse address string ${JSON.stringify(text)}` };
  const host = (found[1] ?? found[2]).trim();
  const digits = (found[3] ?? "0").trim();
  const port = WHOLE_NUMBER.test(digits) ? Number(digits) : NaN;
  if (!Number.isSafeInteger(port)) return { problem: `could not parse port ${JSON.stringify(digits)}` };
  return { host, port: port === -1 ? 0 : port };
}

/** Splits `host:port`. The host may be empty; the port is checked to be one, or -1. */
export function parseHostPort(text: string): { host: string; port: number } | { problem: string } {
  const found = HOST_PORT.exec(text);
  if (found === null) return { problem: `could not parse address string ${JSON.stringify(text)}` };
  const port = found[3];
  if (!PORT.test(port)) return { problem: `could not parse port ${JSON.stringify(port)}` };
  const problem = checkPort(Number(port));
  return problem === null ? { host: found[1] ?? found[2], port: Number(port) } : { problem };
}

/** Ports have 16 bits; -1 asks for any free one. */
export function checkPort(port: number): string | null {
  return port < -1 || port > PORT_MAX ? `invalid port ${port}` : null;
}
