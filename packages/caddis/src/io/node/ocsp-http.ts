import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import type { OcspRequest, OcspTransport } from "../ocsp.ts";
import { systemReason } from "./system-error.ts";

/** A response has a kilobyte or two; with several certificates ten. */
const RESPONSE_BYTES_MAX = 64 * 1024;

/** The headers that responders send fit several times. */
const HEADER_BYTES_MAX = 16 * 1024;

/**
 * Asks responders by `node:http`, each time on a connection of its own: questions are rare, and none is left
 * behind. Only the host that was named is asked: redirects are refused, since they would let whoever runs it
 * send this server to addresses that only it can reach.
 */
export function openOcspTransport(): OcspTransport {
  const closing = new AbortController();
  return {
    async send(request, timeoutMs) {
      const timeout = AbortSignal.timeout(Math.ceil(timeoutMs));
      try {
        return await exchange(request, AbortSignal.any([closing.signal, timeout]));
      } catch (error) {
        if (timeout.aborted) return `no answer from ${request.url} in time`;
        return `no answer from ${request.url}: ${systemReason(error)}`;
      }
    },
    close() {
      closing.abort();
    },
  };
}

async function exchange(request: OcspRequest, signal: AbortSignal): Promise<Uint8Array | string> {
  const url = new URL(request.url);
  const open =
    url.protocol === "https:" ? (await import("node:https")).request : (await import("node:http")).request;
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | string>();
  const sent: ClientRequest = open(url, requestOptions(request, signal));
  sent.on("error", reject);
  sent.on("response", (response) => {
    response.on("error", reject);
    if (response.statusCode === 200) {
      collect(response, resolve);
      return;
    }
    resolve(`bad OCSP responder http status: [${response.statusCode}]`);
    sent.destroy();
  });
  sent.end(request.body);
  return promise;
}

function requestOptions({ method, body }: OcspRequest, signal: AbortSignal): RequestOptions {
  const type =
    body === null ? {} : { "Content-Type": "application/ocsp-request", "Content-Length": body.length };
  return {
    method,
    signal,
    agent: false,
    maxHeaderSize: HEADER_BYTES_MAX,
    headers: { Accept: "application/ocsp-response", ...type },
  };
}

function collect(response: IncomingMessage, resolve: (body: Uint8Array) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  response.on("data", (chunk: Buffer) => {
    length += chunk.length;
    chunks.push(chunk);
    if (length > RESPONSE_BYTES_MAX) response.destroy(new Error("the answer is too long"));
  });
  response.on("end", () => resolve(Buffer.concat(chunks, length)));
}
