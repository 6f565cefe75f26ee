import { isProblem } from "../../auth/claims/fields.ts";
import type { ReceivedMessage } from "../../broker/internal-subscription.ts";
import { makeMessage } from "../../broker/message.ts";
import { goJson } from "../../broker/go-json.ts";
import { serverInfo } from "../server-info.ts";
import { acceptedEncoding, type AnswerEncoding, encode, encodingHeaders } from "./answer-encoding.ts";
import { answerPieces } from "./answer-json.ts";
import type { RequestBody } from "./request-body.ts";
import type { RequestedServer } from "./requested-server.ts";
import type { Answer } from "./server-questions.ts";

const BAD_REQUEST = 400;
const FAILED = 500;

/** Questions that wait for their answers, of clients in any account: each holds memory until it has its turn. */
const WAITING_MAX = 1_024;

/** Sends answers from within the system account: the server that answers, and data or what is wrong. */
export class Answerer {
  readonly #server: Pick<RequestedServer, "broker" | "compression">;
  /** Settles when the last question so far has been answered: one large answer is in the making at a time. */
  #last: Promise<void> = Promise.resolve();
  #waitingCount = 0;

  constructor(server: Pick<RequestedServer, "broker" | "compression">) {
    this.#server = server;
  }

  /**
   * Sends what `work` says, packed as `request` asks: data, a `Problem`, or null for silence. `body` is what it is
   * worked out from. Questions have their turns in the order in which they came.
   */
  answer(request: ReceivedMessage, body: RequestBody, work: () => Answer): void {
    if (this.#waitingCount === WAITING_MAX) {
      this.#fail(request, FAILED, "too many requests are waiting for their answers");
      return;
    }
    this.#waitingCount++;
    this.#last = this.#last.then(async () => {
      this.#waitingCount--;
      await this.#answer(request, body, work);
    });
  }

  async #answer(request: ReceivedMessage, body: RequestBody, work: () => Answer): Promise<void> {
    const working = work();
    if (body.fault !== null) return this.refuse(request, body.fault);
    const outcome = working instanceof Promise ? await working : working;
    if (outcome === null) return;
    const server = serverInfo(this.#server.broker);
    if (isProblem(outcome)) {
      const error = { code: FAILED, description: outcome.problem };
      return this.send(request.reply, { server, data: null, error });
    }
    await this.#write(request.reply, { server, data: outcome }, acceptedEncoding(request.headers));
  }

  /** Carries out an order and tells whether that was possible. `obey` never rejects, nor acts on a bad body. */
  async report(
    request: ReceivedMessage,
    body: RequestBody,
    obey: () => string | null | Promise<string | null>,
  ): Promise<void> {
    const problem = await obey();
    if (body.fault !== null) this.refuse(request, body.fault);
    else if (problem !== null) this.#fail(request, FAILED, problem);
    else this.send(request.reply, { server: serverInfo(this.#server.broker) });
  }

  /** The request was no good. */
  refuse(request: ReceivedMessage, problem: string): void {
    this.#fail(request, BAD_REQUEST, problem);
  }

  #fail({ reply }: ReceivedMessage, code: number, description: string): void {
    if (reply === "") return;
    this.send(reply, { server: serverInfo(this.#server.broker), error: { code, description } });
  }

  /** A small value, as it is. */
  send(reply: string, value: object | number): void {
    this.#publish(reply, "", Buffer.from(goJson(value), "utf8"));
  }

  /** A large answer is made over several turns, so that nobody waits for it. */
  async #write(reply: string, value: object, encoding: AnswerEncoding): Promise<void> {
    const pieces: Buffer[] = [];
    for (const piece of answerPieces(value)) {
      if (pieces.length > 0) await this.#nextTurn();
      pieces.push(Buffer.from(piece, "utf8"));
    }
    const encoded = encode(Buffer.concat(pieces), encoding, this.#server.compression);
    const bytes = encoded instanceof Uint8Array ? encoded : await encoded;
    this.#publish(reply, encodingHeaders(encoding), bytes);
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => this.#server.broker.clock.nextTurn(resolve));
  }

  #publish(reply: string, headers: string, payload: Uint8Array): void {
    this.#server.broker.systemAccount?.publish(makeMessage(reply, "", headers, payload));
  }
}
