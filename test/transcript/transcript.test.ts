import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { findReferenceServer, OUR_SERVER } from "../support/server-process.ts";
import { LazyServer } from "./lazy-server.ts";
import { randomCut } from "./random-cut.ts";
import { type Cut, Scene, type Recording } from "./scene.ts";
import { parseTranscript, type Case, type Transcript } from "./transcript.ts";

/** Servers that run at the same time; each case waits more than it works. */
const SERVERS_AT_ONCE = 4;

const transcripts = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".txt"))
  .sort()
  .map((file) => parseTranscript(file, readFileSync(join(import.meta.dirname, file), "utf8")));
const reference = findReferenceServer();
const seed = Number(process.env["SEED"] ?? randomInt(2 ** 31));
const only = process.env["TRANSCRIPT"];

if (process.env["UPDATE"] === "1") {
  describe("transcripts, recorded from the reference", { concurrency: SERVERS_AT_ONCE }, () => {
    for (const transcript of transcripts) {
      if (only !== undefined && !transcript.name.includes(only)) continue;
      it(transcript.name, () => record(transcript));
    }
  });
} else {
  describe("transcripts", { concurrency: SERVERS_AT_ONCE * 2 }, () => {
    const noServer = existsSync(OUR_SERVER) ? null : "bin/caddis is not there";
    const noReference = reference === null ? "no nats-server on PATH" : null;
    playAll("ours", OUR_SERVER, noServer);
    playAll(`ours in pieces (SEED=${seed})`, OUR_SERVER, noServer, randomCut(seed));
    playAll("the reference", reference ?? "", noReference);
  });
}

/** Plays every transcript against one server program; cases with the same configuration share a process. */
function playAll(whose: string, command: string, missing: string | null, cut?: Cut): void {
  describe(`against ${whose}`, { concurrency: SERVERS_AT_ONCE, skip: missing ?? false }, () => {
    for (const [config, group] of groupByServer()) {
      const title = config.trim() === "" ? "no configuration" : config.trim().replaceAll(/\s*\n\s*/g, "; ");
      describe(title, { concurrency: false }, () => {
        const server = new LazyServer(command, config);
        for (const { transcript, played } of group) {
          const skip = command === OUR_SERVER && played.server.later !== "" ? played.server.later : false;
          it(`${transcript.name}: ${played.name}`, { skip }, async () => {
            const differences = await server.use(played, (running) => new Scene(played, running, cut).play());
            if (differences.length > 0) {
              assert.fail(`${transcript.name}:${played.line} ${played.name}\n${differences.join("\n")}`);
            }
          });
        }
        it("stops", () => server.stop());
      });
    }
  });
}

interface Entry {
  transcript: Transcript;
  played: Case;
}

function groupByServer(): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const transcript of transcripts) {
    if (only !== undefined && !transcript.name.includes(only)) continue;
    for (const played of transcript.cases) {
      const { config } = played.server;
      const group = groups.get(config) ?? [];
      group.push({ transcript, played });
      groups.set(config, group);
    }
  }
  return groups;
}

/** Plays a transcript against the reference and rewrites the expectations that differ. */
async function record(transcript: Transcript): Promise<void> {
  assert.ok(reference !== null, "UPDATE=1 needs nats-server on PATH");
  const servers = new Map<string, LazyServer>();
  const recordings: Recording[] = [];
  try {
    for (const played of transcript.cases) {
      const { config } = played.server;
      const server = servers.get(config) ?? new LazyServer(reference, config);
      servers.set(config, server);
      recordings.push(...(await server.use(played, (running) => new Scene(played, running).record())));
    }
  } finally {
    for (const server of servers.values()) await server.stop();
  }
  if (recordings.length > 0)
    writeFileSync(join(import.meta.dirname, transcript.name), rewrite(transcript, recordings));
}

/** The text of a transcript with the recorded steps' expectations in place of the old ones. */
function rewrite(transcript: Transcript, recordings: readonly Recording[]): string {
  const inserted = new Map<number, string[]>();
  const removed = new Set<number>();
  for (const { step, lines } of recordings) {
    const after = step.expectations[0]?.line ?? (step.commands.at(-1)?.line ?? 0) + 1;
    inserted.set(after, lines);
    for (const expectation of step.expectations) removed.add(expectation.line);
  }
  return [...transcript.lines, ""]
    .flatMap((source, index) => [
      ...(inserted.get(index + 1) ?? []),
      ...(removed.has(index + 1) ? [] : [source]),
    ])
    .slice(0, -1)
    .join("\n");
}
