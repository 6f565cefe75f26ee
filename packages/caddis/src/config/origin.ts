/** Where a web page comes from, as browsers say it in `Origin`, in lower case. */
export interface Origin {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
}

/** A scheme, `//`, an authority without user information, and possibly a path. */
const ABSOLUTE_URL = /^([a-z][a-z0-9+.-]*):\/\/([^/?#@\s]*)(?:[/?#]\S*)?$/i;
/** `host`, `host:port`, `[v6]` or `[v6]:port`. */
const HOST_PORT = /^(?:\[([0-9a-f:.%]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/i;

/** Reads an absolute URL; a text says what is wrong with it. */
export function parseOrigin(url: string): Origin | string {
  const found = ABSOLUTE_URL.exec(url);
  if (found === null) return `${JSON.stringify(url)} is no absolute URL`;
  const scheme = found[1].toLowerCase();
  const authority = parseAuthority(found[2], scheme === "https");
  return authority === null
    ? `${JSON.stringify(found[2])} is no host and port`
    : { scheme, host: authority.host, port: authority.port };
}

/** Splits `host:port`; without a port it is that of https or http. Null: it is neither. */
export function parseAuthority(
  text: string,
  isSecure: boolean,
): { readonly host: string; readonly port: string } | null {
  const found = HOST_PORT.exec(text);
  if (found === null) return null;
  const host = (found[1] ?? found[2]).toLowerCase();
  return { host, port: found[3] ?? (isSecure ? "443" : "80") };
}
