import assert from "node:assert/strict";
import { connect, createInbox, headers, type Msg, type NatsConnection } from "@nats-io/transport-node";

/** A backup as clients keep it. */
export interface Backup {
  readonly config: Record<string, unknown>;
  readonly state: Record<string, unknown>;
  readonly archive: Buffer;
  /** Status of the message that ended it; 0: none. */
  readonly status: number;
  readonly chunks: number;
}

const DEADLINE_MS = 20_000;

/** Does what an administrator's tool does with streams, by the official client but without its JetStream part. */
export class BackupClient {
  readonly connection: NatsConnection;

  private constructor(connection: NatsConnection) {
    this.connection = connection;
  }

  static async connect(port: number): Promise<BackupClient> {
    return new BackupClient(await connect({ servers: `127.0.0.1:${port}` }));
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  /** Asks the API; resolves with the answer's text. */
  async askText(subject: string, body: object | string = ""): Promise<string> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return (await this.connection.request(`$JS.API.${subject}`, text, { timeout: DEADLINE_MS })).string();
  }

  /** As `askText`, parsed; fails when it is refused. */
  async ask(subject: string, body: object | string = ""): Promise<Record<string, unknown>> {
    const answer = JSON.parse(await this.askText(subject, body)) as Record<string, unknown>;
    assert.equal(answer["error"], undefined, `${subject}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Publishes to a stream, and waits until it is stored. */
  async publish(
    subject: string,
    payload: string,
    fields: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const block = headers();
    for (const [name, value] of Object.entries(fields)) block.set(name, value);
    const answer = await this.connection.request(subject, payload, { timeout: DEADLINE_MS, headers: block });
    assert.match(answer.string(), /"seq":/);
  }

  /** The next message of a consumer, or the status that there is none. */
  async next(stream: string, consumer: string): Promise<Msg> {
    const reply = createInbox();
    const subscription = this.connection.subscribe(reply, { max: 1 });
    this.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, '{"no_wait":true}', { reply });
    for await (const message of subscription) return message;
    assert.fail("a message, or a status");
  }

  /** Takes a backup; `onChunk` is called before each acknowledgement. */
  async backup(stream: string, options: object = {}, onChunk: () => Promise<void> = noWait): Promise<Backup> {
    const subject = createInbox();
    const chunks: Uint8Array[] = [];
    const subscription = this.connection.subscribe(subject);
    const { config, state } = await this.ask(`STREAM.SNAPSHOT.${stream}`, {
      deliver_subject: subject,
      ...options,
    });
    let end: Msg | null = null;
    for await (const message of subscription) {
      end = message;
      if (message.data.length === 0) break;
      chunks.push(message.data);
      await onChunk();
      message.respond();
    }
    assert.ok(end !== null);
    return {
      config: config as Record<string, unknown>,
      state: state as Record<string, unknown>,
      archive: Buffer.concat(chunks),
      status: end.headers?.code ?? 0,
      chunks: chunks.length,
    };
  }

  /** Restores a backup; resolves with the last answer's text. */
  async restore(stream: string, config: object, archive: Buffer, chunkBytes = 64 * 1024): Promise<string> {
    const begun = JSON.parse(await this.askText(`STREAM.RESTORE.${stream}`, { config, state: {} })) as {
      deliver_subject?: string;
    };
    const subject = begun.deliver_subject ?? "";
    if (subject === "") return JSON.stringify(begun);
    for (let at = 0; at < archive.length; at += chunkBytes) {
      const chunk = archive.subarray(at, at + chunkBytes);
      const answer = await this.connection.request(subject, chunk, { timeout: DEADLINE_MS });
      if (answer.data.length > 0) return answer.string();
    }
    return (await this.connection.request(subject, "", { timeout: DEADLINE_MS })).string();
  }

  /** All that a stream holds and says of itself, but for when it was made. */
  async dump(stream: string): Promise<string[]> {
    const info = await this.ask(`STREAM.INFO.${stream}`, { deleted_details: true });
    const state = info["state"] as Record<string, unknown> & {
      first_seq: number;
      last_seq: number;
      deleted?: number[];
    };
    const lines = [JSON.stringify(info["config"]), JSON.stringify(state)];
    const deleted = new Set(state.deleted ?? []);
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      if (!deleted.has(seq))
        lines.push(JSON.stringify((await this.ask(`STREAM.MSG.GET.${stream}`, { seq }))["message"]));
    }
    const { consumers } = await this.ask(`CONSUMER.NAMES.${stream}`);
    for (const name of (consumers as string[]).toSorted()) {
      const { config, delivered, ack_floor, num_ack_pending, num_redelivered, num_pending } = (await this.ask(
        `CONSUMER.INFO.${stream}.${name}`,
      )) as Record<string, { consumer_seq: number; stream_seq: number }>;
      const pair = (progress: typeof delivered): number[] => [progress.consumer_seq, progress.stream_seq];
      lines.push(
        JSON.stringify([
          config,
          pair(delivered),
          pair(ack_floor),
          num_ack_pending,
          num_redelivered,
          num_pending,
        ]),
      );
    }
    return lines;
  }
}

async function noWait(): Promise<void> {}
