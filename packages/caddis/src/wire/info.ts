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
  max_payload: number;
  jetstream?: boolean | undefined;
  client_id?: number | undefined;
  client_ip?: string | undefined;
  nonce?: string | undefined;
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
