import assert from "node:assert/strict";
import type { Account } from "../../packages/caddis/src/broker/account.ts";
import { makeMessage } from "../../packages/caddis/src/broker/message.ts";
import type { OriginStage } from "./origin-stage.ts";
import type { Peer } from "./test-broker.ts";

/** Where a fake origin is found: `external` of a mirror or source. */
export const FAKE_EXTERNAL = { api: "FAKE.API", deliver: "fake" };
const PREFIX = "FAKE.API.";

export interface FakeRequest {
  /** Without the prefix. */
  readonly subject: string;
  readonly reply: string;
  readonly headers: string;
  readonly body: string;
}

/** A connection that plays the server of an origin: it is asked for consumers, and delivers what the test wants. */
export class FakeOrigin {
  readonly #peer: Peer;
  readonly #account: Account;
  readonly #answers: FakeRequest[] = [];
  readonly #requests: FakeRequest[] = [];
  /** Where messages go, as the last request for a consumer said. */
  deliverSubject = "";
  /** What it calls the consumer. */
  consumer = "C";

  constructor(stage: OriginStage) {
    this.#peer = stage.world.connect();
    this.#account = stage.owner.account;
    this.#peer.say(`SUB ${PREFIX}> 7\r\nSUB fc.> 8\r\n`);
  }

  /** What it was asked for since the last call. */
  requests(): FakeRequest[] {
    this.#read();
    const requests = this.#requests.splice(0);
    for (const { body } of requests) {
      const { config } = JSON.parse(body || "{}") as { config?: { deliver_subject?: string } };
      this.deliverSubject = config?.deliver_subject ?? this.deliverSubject;
    }
    return requests;
  }

  /** The only request since the last call. */
  request(): FakeRequest {
    const requests = this.requests();
    assert.equal(requests.length, 1, JSON.stringify(requests));
    return requests[0];
  }

  /** Answers to flow control since the last call: reply subject and header lines. */
  flowAnswers(): string[] {
    this.#read();
    return this.#answers
      .splice(0)
      .map(({ subject, headers }) => `${subject} ${headers.split("\r\n").slice(1, -2).join(", ")}`);
  }

  /** There is a consumer now. */
  accept({ reply }: FakeRequest, deliveredSeq = 0, more: object = {}, headers = ""): void {
    const config = { deliver_subject: this.deliverSubject, ack_policy: "none" };
    const delivered = { consumer_seq: 0, stream_seq: deliveredSeq };
    this.#publish(
      reply,
      "",
      headers,
      JSON.stringify({ name: this.consumer, config, delivered, num_pending: 0, ...more }),
    );
  }

  refuse({ reply }: FakeRequest, errCode: number): void {
    this.#publish(
      reply,
      "",
      "",
      JSON.stringify({ error: { code: 400, err_code: errCode, description: "no" } }),
    );
  }

  /** Answers with something else. */
  say({ reply }: FakeRequest, body: string): void {
    this.#publish(reply, "", "", body);
  }

  /** Delivers a message; it is stored under the subject that it is delivered to. */
  deliver(seq: number, consumerSeq: number, payload: string, pending = 0, deliveries = 1): void {
    const reply = `$JS.ACK.O.${this.consumer}.${deliveries}.${seq}.${consumerSeq}.1700000000000000007.${pending}`;
    this.#publish(this.deliverSubject, reply, "", payload);
  }

  /** `stalledBy`: the reply of the request that it misses an answer to. */
  heartbeat(lastConsumer: number, lastStream: number, stalledBy = ""): void {
    const stalled = stalledBy === "" ? "" : `\r\nNats-Consumer-Stalled: ${stalledBy}`;
    const fields = `Nats-Last-Consumer: ${lastConsumer}\r\nNats-Last-Stream: ${lastStream}${stalled}`;
    this.#publish(this.deliverSubject, "", `NATS/1.0 100 Idle Heartbeat\r\n${fields}\r\n\r\n`, "");
  }

  askFlow(reply: string): void {
    this.#publish(this.deliverSubject, reply, "NATS/1.0 100 FlowControl Request\r\n\r\n", "");
  }

  /** As a server: clients may not use the replies that it uses. */
  #publish(subject: string, reply: string, headers: string, body: string): void {
    this.#account.publish(makeMessage(subject, reply, headers, Buffer.from(body)));
  }

  #read(): void {
    let rest = this.#peer.read().replaceAll("PING\r\n", "");
    while (rest !== "") {
      const match = /^H?MSG (\S+) (\d) (?:([^\s\d]\S*) )?(?:(\d+) )?(\d+)\r\n/.exec(rest);
      assert.ok(match !== null, JSON.stringify(rest.slice(0, 200)));
      const [head, subject, sid, reply = "", headerSize = "0", size] = match;
      const content = rest.slice(head.length, head.length + Number(size));
      rest = rest.slice(head.length + Number(size) + 2);
      const headers = content.slice(0, Number(headerSize));
      const body = content.slice(Number(headerSize));
      if (sid === "8") this.#answers.push({ subject, reply, headers, body });
      else this.#requests.push({ subject: subject.slice(PREFIX.length), reply, headers, body });
    }
  }
}
