import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Requester } from "./jetstream-requester.ts";
import type { MirrorScene, MirrorStep } from "./jetstream-mirror-scenes.ts";
import { ServerProcess } from "./server-process.ts";

/** How long streams may take to come to where a scene waits for them; reached only when they never do. */
const DEADLINE_MS = 15_000;
const POLL_MS = 25;

const ACCOUNTS = `accounts {
  A {
    jetstream: enabled
    users [{ user: a, password: p }]
    exports [
      { service: "$JS.API.>", response_type: stream }
      { service: "$JS.FC.>" }
      { stream: "A.deliver.>" }
    ]
  }
  B {
    jetstream: enabled
    users [{ user: b, password: p }]
    imports [
      { service: { account: A, subject: "$JS.API.>" }, to: "A.API.>" }
      { service: { account: A, subject: "$JS.FC.>" } }
      { stream: { account: A, subject: "A.deliver.>" } }
    ]
  }
}`;

/** Of what differs from one run to the next. */
const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/"(created|ts|first_ts|last_ts|time|last_active|opt_start_time)":"(?!0001)[^"]*"/g, '"$1":"T"'],
  [/"active":\d+/g, '"active":1'],
  [/"leader_since":"[^"]*"/g, '"leader_since":"T"'],
  [/(JS_(?:SRC|MIRROR)_\w{8}-)\w{8}/g, "$1X"],
  [/(\$JS|A\.deliver)\.([MS])\.\w{8}/g, "$1.$2.X"],
  [/(Nats-Stream-Source: [^\r\n]*) \w{8}(?=\r\n|\n|$)/g, "$1 IDENTITY"],
  [/(Nats-Time-Stamp: )[^\r\n]*/g, "$1T"],
];

/** What is said of sources is in no particular order. */
const SOURCES = /"sources":\[((?:(?!"sources").)*)\],"ts"/;
const BETWEEN = /(?<=\}),(?=\{"name":)/;

interface OriginInfo {
  readonly active: number;
  readonly error?: unknown;
}

interface Info {
  readonly state?: {
    readonly messages: number;
    readonly first_seq: number;
    readonly last_seq: number;
    readonly deleted?: readonly number[];
  };
  readonly mirror?: OriginInfo;
  readonly sources?: readonly OriginInfo[];
}

interface Got {
  readonly message?: { readonly subject: string; readonly hdrs?: string; readonly data?: string };
}

/** What a server says in each scene, each in a server of its own. */
export async function playMirrorScene(
  command: string,
  scene: MirrorScene,
  storage: "file" | "memory",
): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-js-"));
  const jetstream = `jetstream { store_dir: ${JSON.stringify(folder)}, max_mem: 64MB, max_file: 64MB }`;
  const server = await ServerProcess.start({ command, config: `server_name: T, ${jetstream}\n${ACCOUNTS}` });
  const side = new MirrorSide(
    await Requester.connect(server.port, { user: "a", pass: "p" }),
    await Requester.connect(server.port, { user: "b", pass: "p" }),
  );
  side.storage = storage;
  try {
    for (const step of scene.steps) await side.play(step);
    return side.lines;
  } finally {
    side.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

class MirrorSide {
  readonly lines: string[] = [];
  /** Of the streams that are made. */
  storage: "file" | "memory" = "memory";
  readonly #a: Requester;
  readonly #b: Requester;

  constructor(a: Requester, b: Requester) {
    this.#a = a;
    this.#b = b;
    a.subscribe("again.>");
  }

  close(): void {
    this.#a.close();
    this.#b.close();
  }

  async play(step: MirrorStep): Promise<void> {
    const requester = step.user === "b" ? this.#b : this.#a;
    if ("ask" in step) {
      const { ask, body } = step;
      const json =
        body === undefined
          ? ""
          : JSON.stringify({ ...body, ...("storage" in body && { storage: this.storage }) });
      const answer = await requester.request(`$JS.API.${ask}`, json);
      this.#note(`${ask} → ${answer.body}`);
    } else if ("publish" in step) {
      const { publish, headers = [], body = "" } = step;
      const answer = await requester.request(publish, body, headers.join("\r\n"));
      this.#note(`${publish} → ${answer.body}`);
    } else if ("raw" in step) {
      const answer = await requester.request(step.raw, step.body ?? "");
      this.#note(`${step.raw} → ${answer.headers}${answer.body}`);
    } else if ("hear" in step) {
      requester.subscribe(step.hear);
    } else if ("until" in step) {
      await this.#wait(requester, step);
    } else {
      await this.#dump(requester, step.dump);
    }
  }

  async #wait(requester: Requester, step: Extract<MirrorStep, { until: string }>): Promise<void> {
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      const info = await this.#info(requester, step.until);
      if (isReached(info, step)) return;
      if (Date.now() > deadline)
        throw new Error(`${JSON.stringify(step)} never came: ${JSON.stringify(info)}`);
      await delay(POLL_MS);
    }
  }

  async #info(requester: Requester, stream: string): Promise<Info> {
    const { body } = await requester.request(`$JS.API.STREAM.INFO.${stream}`, '{"deleted_details":true}');
    return JSON.parse(body) as Info;
  }

  async #dump(requester: Requester, stream: string): Promise<void> {
    const { body } = await requester.request(`$JS.API.STREAM.INFO.${stream}`, '{"deleted_details":true}');
    this.#note(`${stream}: ${body}`);
    const { state } = JSON.parse(body) as Info;
    if (state === undefined) return;
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const answer = await requester.request(`$JS.API.STREAM.MSG.GET.${stream}`, JSON.stringify({ seq }));
      const { message } = JSON.parse(answer.body) as Got;
      if (message === undefined) continue;
      const { subject, hdrs = "", data = "" } = message;
      this.#note(`  ${seq} ${subject} ${decoded(hdrs)}|${decoded(data)}`);
    }
    // Several origins are asked in any order.
    const heard = requester.messages
      .splice(0)
      .map(({ subject, body: json }) => `${subject} ${metadataSorted(json)}`);
    for (const message of heard.sort()) this.#note(`  heard ${message}`);
  }

  #note(line: string): void {
    let text = line;
    for (const [pattern, replacement] of VOLATILE) text = text.replace(pattern, replacement);
    text = text.replace(
      SOURCES,
      (_, sources: string) => `"sources":[${sources.split(BETWEEN).sort().join(",")}],"ts"`,
    );
    this.lines.push(text);
  }
}

function isReached(
  { state, mirror, sources }: Info,
  { lastSeq, messages, error }: Extract<MirrorStep, { until: string }>,
): boolean {
  if (error === true) return mirror?.error !== undefined || sources?.[0]?.error !== undefined;
  if (mirror?.active === -1 || sources?.some(({ active }) => active === -1) === true) return false;
  if (lastSeq !== undefined && (state === undefined || state.last_seq < lastSeq)) return false;
  return messages === undefined || state?.messages === messages;
}

/** Maps are written in any order. */
function metadataSorted(json: string): string {
  return json.replace(/(?<="metadata":\{)[^}]*/, (entries) => entries.split(",").sort().join(","));
}

function decoded(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}
