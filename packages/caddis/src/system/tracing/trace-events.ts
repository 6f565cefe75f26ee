import type { Broker } from "../../broker/broker.ts";
import { goJson } from "../../broker/go-json.ts";
import { makeMessage } from "../../broker/message.ts";
import type { MessageTrace, TraceStep } from "../../broker/message-trace.ts";
import type { TraceSink } from "../../broker/message-tracer.ts";
import type { Compression } from "../../io/compression.ts";
import { fromWireString } from "../../subject/subject.ts";
import { formatTime } from "../format.ts";
import { type AnswerEncoding, encode, encodingHeaders, encodingNamed } from "../requests/answer-encoding.ts";
import { serverInfo, sorted } from "../server-info.ts";

/** The field by which a publisher asks for packed traces, spelled like that. */
const ACCEPT_ENCODING = "Accept-Encoding";

/** Traces that are being packed: each holds memory meanwhile, and clients ask for them. More go as they are. */
const PACKING_MAX = 64;

/** Publishes traces of messages, in the reference's JSON, in the account in which their message was published. */
export class TraceEvents implements TraceSink {
  readonly #broker: Broker;
  readonly #compression: Compression;
  #packingCount = 0;

  constructor(broker: Broker, compression: Compression) {
    this.#broker = broker;
    this.#compression = compression;
  }

  send(trace: MessageTrace): void {
    // Servers tell nothing without a system account, as in the reference.
    if (this.#broker.systemAccount === null) return;
    const bytes = Buffer.from(goJson(this.#event(trace)), "utf8");
    const encoding = encodingNamed(trace.headers.fields.get(ACCEPT_ENCODING)?.[0] ?? "");
    const isTooMuch = this.#packingCount === PACKING_MAX;
    const packed = isTooMuch ? bytes : encode(bytes, encoding, this.#compression);
    if (packed instanceof Uint8Array) {
      this.#publish(trace, isTooMuch && encoding !== "none" ? "identity" : encoding, packed);
      return;
    }
    this.#packingCount++;
    void packed.then((late) => {
      this.#packingCount--;
      this.#publish(trace, encoding, late);
    });
  }

  #event({ headers, messageSize, steps }: MessageTrace): object {
    const header = [...headers.fields].map(([name, values]): [string, readonly string[]] => [
      fromWireString(name),
      values.map(fromWireString),
    ]);
    return {
      server: serverInfo(this.#broker),
      request: { header: sorted(Object.fromEntries(header)), msgsize: messageSize },
      events: steps.map(eventOf),
    };
  }

  #publish({ account, destination }: MessageTrace, encoding: AnswerEncoding, payload: Uint8Array): void {
    account.publish(makeMessage(destination, "", encodingHeaders(encoding), payload));
  }
}

/** Members that are undefined are left out. */
function eventOf({ type, atMs, ...rest }: TraceStep): object {
  return { type, ts: formatTime(atMs), ...rest };
}
