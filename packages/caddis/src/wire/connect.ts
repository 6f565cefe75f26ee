/**
 * The argument of CONNECT, decoded the way the reference does it (Go's JSON rules): unknown keys are
 * ignored, keys match in any case, the last occurrence wins, `null` leaves a field as it is, a value of
 * the wrong type is an error.
 */
export interface ConnectOptions {
  verbose: boolean;
  pedantic: boolean;
  echo: boolean;
  tls_required: boolean;
  headers: boolean;
  no_responders: boolean;
  new_account: boolean;
  /** 1: the client takes INFO at any time. */
  protocol: number;
  nkey: string;
  jwt: string;
  sig: string;
  proxy_sig: string;
  auth_token: string;
  user: string;
  pass: string;
  name: string;
  lang: string;
  version: string;
  account: string;
}

/** What holds before, and for fields missing in, a CONNECT. */
export function defaultConnectOptions(): ConnectOptions {
  return {
    verbose: true,
    pedantic: true,
    echo: true,
    tls_required: false,
    headers: false,
    no_responders: false,
    new_account: false,
    protocol: 0,
    nkey: "",
    jwt: "",
    sig: "",
    proxy_sig: "",
    auth_token: "",
    user: "",
    pass: "",
    name: "",
    lang: "",
    version: "",
    account: "",
  };
}

const FIELDS: ReadonlySet<string> = new Set(Object.keys(defaultConnectOptions()));
/** Fields of server links, objects there, that a client may carry and nobody reads. */
const LINK_OBJECTS: ReadonlySet<string> = new Set(["import", "export"]);
/** More than any CONNECT needs; the control line limit keeps it short anyway. */
const INT64_LIMIT = 2 ** 63;

/** `base` with the fields of `json` laid over it, or the reason why it is not acceptable. */
export function decodeConnect(json: string, base: ConnectOptions): ConnectOptions | { readonly problem: string } {
  let parsed: unknown;
  let fractional = false;
  try {
    // A number is an integer only if it is written as one: 1.0 and 1e0 are refused.
    parsed = JSON.parse(json, (key, value: unknown, context?: { source?: string }) => {
      if (key.toLowerCase() === "protocol" && typeof value === "number") {
        if (context?.source !== undefined && !/^-?\d+$/.test(context.source)) fractional = true;
      }
      return value;
    });
  } catch (error) {
    return { problem: error instanceof Error ? error.message : "not JSON" };
  }
  const options = { ...base };
  if (parsed === null) return options;
  if (typeof parsed !== "object" || Array.isArray(parsed)) return { problem: "CONNECT takes a JSON object" };
  for (const [key, value] of Object.entries(parsed)) {
    const name = key.toLowerCase();
    if (value === null) continue;
    if (LINK_OBJECTS.has(name)) {
      if (typeof value !== "object" || Array.isArray(value)) return { problem: `wrong type for "${name}"` };
      continue;
    }
    if (!FIELDS.has(name)) continue;
    const field = name as keyof ConnectOptions;
    const isRight =
      field === "protocol"
        ? typeof value === "number" && Number.isInteger(value) && Math.abs(value) < INT64_LIMIT && !fractional
        : typeof value === typeof options[field];
    if (!isRight) return { problem: `wrong type for "${name}"` };
    Object.assign(options, { [field]: value as unknown });
  }
  return options;
}
