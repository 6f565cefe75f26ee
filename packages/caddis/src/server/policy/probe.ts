import type { Broker } from "../../broker/broker.ts";
import type { Client } from "../../broker/client.ts";
import type { ProbePipe } from "./probe-pipe.ts";

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false,"headers":true,"protocol":1}\r\n';

/** One connection that tries what is asked about. Subjects are wire strings. */
export class Probe {
  readonly client: Client;
  /** What the server says instead of letting it in; null: it is in. */
  readonly refusal: string | null;
  readonly #broker: Broker;
  readonly #pipe: ProbePipe;

  constructor(broker: Broker, pipe: ProbePipe, client: Client) {
    this.#broker = broker;
    this.#pipe = pipe;
    this.client = client;
    this.refusal = this.#try(CONNECT);
  }

  /** Publishes an empty message; null, or the server's error. The empty reply is none. */
  publish(subject: string, reply: string): string | null {
    return this.#try(`PUB ${subject} ${reply === "" ? "" : `${reply} `}0\r\n\r\n`);
  }

  /** Subscribes; null, or the server's error. The empty queue is none. */
  subscribe(subject: string, queue: string): string | null {
    return this.#try(`SUB ${subject} ${queue === "" ? "" : `${queue} `}1\r\n`);
  }

  #try(operation: string): string | null {
    this.#pipe.say(operation);
    this.#broker.flusher.flush();
    return /^-ERR '(.*)'\r$/m.exec(this.#pipe.takeOutput())?.[1] ?? null;
  }
}
