import type { ApiAnswer, ServerOnDisk } from "./server-on-disk.ts";

/** A message as a server gives it. Wire strings. */
export interface FoundMessage {
  readonly seq: number;
  readonly subject: string;
  readonly headers: string;
  readonly text: string;
}

/** A stream as a server shows it. */
export interface FoundStream {
  readonly name: string;
  readonly description: string;
  readonly state: FoundState;
  readonly messages: readonly FoundMessage[];
}

export interface FoundState {
  readonly messages: number;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly num_deleted?: number;
  readonly num_subjects?: number;
  readonly lost?: { readonly msgs: readonly number[] | null; readonly bytes: number };
}

/** What a server has: streams by name; null: it has one of that name and can't serve it. */
export type Found = ReadonlyMap<string, FoundStream | null>;

/** Reads all that a server serves. */
export async function findAll(server: ServerOnDisk): Promise<Found> {
  const found = new Map<string, FoundStream | null>();
  const { streams } = await server.need("STREAM.NAMES");
  for (const name of (streams as string[] | null) ?? []) found.set(name, await findStream(server, name));
  return found;
}

async function findStream(server: ServerOnDisk, name: string): Promise<FoundStream | null> {
  const info = await server.api(`STREAM.INFO.${name}`);
  if (info === null || info.error !== undefined) return null;
  const { state, config } = info as unknown as { state: FoundState; config: { description?: string } };
  const inboxes: string[] = [];
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq++) {
    inboxes.push(server.say(`$JS.API.STREAM.MSG.GET.${name}`, `{"seq":${seq}}`));
  }
  const messages: FoundMessage[] = [];
  for (const inbox of inboxes) {
    const [came] = await server.heard(inbox);
    const message = messageIn(JSON.parse(came.payload) as ApiAnswer);
    if (message !== null) messages.push(message);
  }
  return { name, description: config.description ?? "", state, messages };
}

function messageIn(answer: ApiAnswer): FoundMessage | null {
  if (answer.error !== undefined) return null;
  const { seq, subject, hdrs, data } = answer["message"] as Record<string, string> & { seq: number };
  return { seq, subject, headers: plain(hdrs), text: plain(data) };
}

function plain(base64: string | undefined): string {
  return base64 === undefined ? "" : Buffer.from(base64, "base64").toString("latin1");
}
