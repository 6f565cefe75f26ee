import { decodeGoObject, type GoFields } from "./go-json.ts";

/** The argument of CONNECT. */
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

/** The fields with their types; `import` and `export` belong to server links, and nobody reads them here. */
const FIELDS: GoFields = {
  verbose: "bool",
  pedantic: "bool",
  echo: "bool",
  tls_required: "bool",
  headers: "bool",
  no_responders: "bool",
  new_account: "bool",
  protocol: "int",
  nkey: "string",
  jwt: "string",
  sig: "string",
  proxy_sig: "string",
  auth_token: "string",
  user: "string",
  pass: "string",
  name: "string",
  lang: "string",
  version: "string",
  account: "string",
  import: "object",
  export: "object",
};

/** `base` with the fields of `json` laid over it, or the reason why it is not acceptable. */
export function decodeConnect(
  json: string,
  base: ConnectOptions,
): ConnectOptions | { readonly problem: string } {
  const decoded = decodeGoObject(json, FIELDS);
  if ("problem" in decoded) return decoded;
  const { import: _import, export: _export, ...known } = decoded.values;
  return { ...base, ...known };
}
