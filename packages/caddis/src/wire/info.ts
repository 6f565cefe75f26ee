import type { GoFields } from "./go-json.ts";

/** INFO as a client gets it. Fields stand in the reference's order; one that is undefined is left out. */
export interface ClientInfo {
  server_id: string;
  server_name: string;
  version: string;
  proto: number;
  go: string;
  host: string;
  port: number;
  headers: boolean;
  auth_required?: boolean | undefined;
  tls_required?: boolean | undefined;
  tls_verify?: boolean | undefined;
  tls_available?: boolean | undefined;
  max_payload: number;
  jetstream?: boolean | undefined;
  client_id?: number | undefined;
  client_ip?: string | undefined;
  nonce?: string | undefined;
  domain?: string | undefined;
  connect_urls?: readonly string[] | undefined;
  ldm?: boolean | undefined;
  connect_info?: boolean | undefined;
  remote_account?: string | undefined;
  acc_is_sys?: boolean | undefined;
  api_lvl?: number | undefined;
  xkey?: string | undefined;
  /** Our own: the version of Caddis behind the compatibility version. */
  caddis: string;
}

/** The INFO line, as a wire string. A space stands before its end, as the reference sends it. */
export function infoLine(info: ClientInfo): string {
  const json = JSON.stringify(info);
  return `INFO ${Buffer.from(json, "utf8").toString("latin1")} \r\n`;
}

/** The fields of an INFO that a peer may send, with their types: one of another type is an error. */
export const INFO_FIELDS: GoFields = {
  server_id: "string",
  server_name: "string",
  version: "string",
  proto: "int",
  git_commit: "string",
  go: "string",
  host: "string",
  port: "int",
  headers: "bool",
  auth_required: "bool",
  tls_required: "bool",
  tls_verify: "bool",
  tls_available: "bool",
  max_payload: "int",
  jetstream: "bool",
  ip: "string",
  client_id: "int",
  client_ip: "string",
  nonce: "string",
  cluster: "string",
  cluster_dynamic: "bool",
  domain: "string",
  connect_urls: "strings",
  ws_connect_urls: "strings",
  ldm: "bool",
  compression: "string",
  connect_info: "bool",
  remote_account: "string",
  acc_is_sys: "bool",
  api_lvl: "int",
  xkey: "string",
};
