import { serverHash } from "../../auth/server-hash.ts";
import { formatInstant } from "../../base/instant.ts";
import { fieldsOf } from "../../broker/header-block.ts";
import type { Stream } from "../stream.ts";

/** In a request's and an answer's headers: which stream of this name is meant, should it have been made anew. */
const IDENTITY_FIELD = "Nats-Stream-Identity";

/** Tells one stream from another of the same name: by when it was made. */
export function identityOf(stream: Pick<Stream, "created">): string {
  return serverHash(formatInstant(stream.created));
}

/** The header block of an answer that says which stream it is about. */
export function identityHeaders(identity: string): string {
  return `NATS/1.0\r\n${IDENTITY_FIELD}: ${identity}\r\n\r\n`;
}

/** Which stream a request is about, as its headers say; null: they do not. */
export function askedIdentity(headers: string): string | null {
  return headers.includes(IDENTITY_FIELD) ? (fieldsOf(headers).get(IDENTITY_FIELD)?.[0] ?? null) : null;
}
