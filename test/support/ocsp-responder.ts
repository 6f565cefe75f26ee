import { createHash, sign } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import type { TestCertificate } from "./certificates.ts";
import { bitString, der, integer, nothing, octetString, oid, sequence } from "./der.ts";

export type TestStatus = "good" | "revoked" | "unknown";

/** What a response says; all of it may be wrong. */
export interface ResponseOptions {
  readonly status?: TestStatus;
  /** Default: a minute ago. */
  readonly thisUpdate?: Date;
  /** Default: in an hour; null: not said. */
  readonly nextUpdate?: Date | null;
  /** Who signs; default the authority itself. */
  readonly signer?: TestCertificate;
  /** Certificates that go along. */
  readonly certificates?: readonly TestCertificate[];
  /** Of the certificate in question; default the one that was asked about. */
  readonly serialNumber?: Uint8Array;
  /** Whom the response names as issuer; default the authority. */
  readonly issuer?: TestCertificate;
  readonly hash?: "sha1" | "sha256";
  /** Extensions of the single answer, in DER. */
  readonly extensions?: readonly Uint8Array[];
  /** The same answer so many times. */
  readonly times?: number;
}

const OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1";
const HASH_OIDS = { sha1: "1.3.14.3.2.26", sha256: "2.16.840.1.101.3.4.2.1" };
const MINUTE_MS = 60_000;

/** A response of `ca` about the certificate with `serialNumber`, DER. */
export function makeResponse(
  ca: TestCertificate,
  serialNumber: Uint8Array,
  options: ResponseOptions = {},
): Buffer {
  const signer = options.signer ?? ca;
  const single = singleResponse(ca, options.serialNumber ?? serialNumber, options);
  const data = sequence(
    der(0xa1, signer.subject),
    generalizedTime(new Date()),
    sequence(...Array.from({ length: options.times ?? 1 }, () => single)),
  );
  const type = signer.key.asymmetricKeyType;
  const signature = sign(type === "ed25519" ? null : "sha256", data, signer.key);
  const certificates = options.certificates ?? [];
  const basic = sequence(
    data,
    algorithm(type),
    bitString(signature),
    ...(certificates.length === 0 ? [] : [der(0xa0, sequence(...certificates.map(({ der }) => der)))]),
  );
  return sequence(der(0x0a, Buffer.of(0)), der(0xa0, sequence(oid(OCSP_BASIC), octetString(basic))));
}

function singleResponse(ca: TestCertificate, serialNumber: Uint8Array, options: ResponseOptions): Buffer {
  const issuer = options.issuer ?? ca;
  const hash = options.hash ?? "sha1";
  const nextUpdate =
    options.nextUpdate === undefined ? new Date(Date.now() + 60 * MINUTE_MS) : options.nextUpdate;
  return sequence(
    sequence(
      sequence(oid(HASH_OIDS[hash]), nothing()),
      octetString(createHash(hash).update(issuer.subject).digest()),
      octetString(createHash(hash).update(keyBits(issuer)).digest()),
      integer(serialNumber),
    ),
    statusField(options.status ?? "good"),
    generalizedTime(options.thisUpdate ?? new Date(Date.now() - MINUTE_MS)),
    ...(nextUpdate === null ? [] : [der(0xa0, generalizedTime(nextUpdate))]),
    ...(options.extensions === undefined ? [] : [der(0xa1, sequence(...options.extensions))]),
  );
}

function statusField(status: TestStatus): Buffer {
  if (status === "revoked") return der(0xa1, generalizedTime(new Date(Date.now() - MINUTE_MS)));
  return der(status === "good" ? 0x80 : 0x82);
}

/** The key without what says of which kind it is: the end of a SubjectPublicKeyInfo. */
function keyBits({ publicKey }: TestCertificate): Buffer {
  const info = publicKey.export({ format: "der", type: "spki" });
  switch (publicKey.asymmetricKeyType) {
    case "ec":
      return info.subarray(-65);
    case "ed25519":
      return info.subarray(-32);
    default:
      return publicKey.export({ format: "der", type: "pkcs1" });
  }
}

function algorithm(keyType: string | undefined): Buffer {
  if (keyType === "rsa") return sequence(oid("1.2.840.113549.1.1.11"), nothing());
  return sequence(oid(keyType === "ed25519" ? "1.3.101.112" : "1.2.840.10045.4.3.2"));
}

function generalizedTime(date: Date): Buffer {
  return der(
    0x18,
    Buffer.from(
      date
        .toISOString()
        .replace(/\.\d+Z$/, "Z")
        .replaceAll(/[-:T]/g, ""),
    ),
  );
}

/** What a responder does with a question. */
export type Behaviour =
  | ResponseOptions
  | { readonly raw: Uint8Array }
  | { readonly httpStatus: number; readonly location?: string }
  | "silent";

/** A responder of `ca` on this machine. */
export class OcspResponder {
  readonly url: string;
  /** What it does with questions about the certificate with this number (hex), unless said otherwise. */
  readonly behaviours = new Map<string, Behaviour>();
  otherwise: Behaviour = {};
  /** Every question, as `METHOD serial`. */
  readonly asked: string[] = [];
  /** Called when a question came. */
  onAsked: () => void = () => {};
  readonly #ca: () => TestCertificate;

  private constructor(url: string, ca: () => TestCertificate) {
    this.url = url;
    this.#ca = ca;
  }

  /** `ca` is asked for late: certificates carry the address, which is known only here. */
  static async start(t: TestContext, ca: () => TestCertificate): Promise<OcspResponder> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const responder = new OcspResponder(`http://127.0.0.1:${port}`, ca);
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      void responder.#serve(request, response);
    });
    t.after(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return responder;
  }

  /** Says `behaviour` about `certificate` from now on. */
  set(certificate: TestCertificate, behaviour: Behaviour): void {
    this.behaviours.set(certificate.serialNumber.toString("hex"), behaviour);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const question =
      request.method === "POST"
        ? await bodyOf(request)
        : Buffer.from(decodeURIComponent(request.url ?? "").slice(1), "base64");
    const serialNumber = lastInteger(question);
    this.asked.push(`${request.method} ${serialNumber.toString("hex")}`);
    this.onAsked();
    const behaviour = this.behaviours.get(serialNumber.toString("hex")) ?? this.otherwise;
    if (behaviour === "silent") return;
    if ("httpStatus" in behaviour) {
      response.writeHead(
        behaviour.httpStatus,
        behaviour.location === undefined ? {} : { Location: behaviour.location },
      );
      response.end();
      return;
    }
    response.setHeader("Content-Type", "application/ocsp-response");
    response.end("raw" in behaviour ? behaviour.raw : makeResponse(this.#ca(), serialNumber, behaviour));
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The number in a question: 16 bytes in all certificates of tests, and the last thing in it. */
function lastInteger(question: Buffer): Buffer {
  return question.subarray(-16);
}
