import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig, resolveOptions } from "../config/load.ts";
import { SILENT_LOG } from "../io/log.ts";
import type { Watch } from "../io/node/certificate-watch.ts";
import { ConfigWatch } from "./config-watch.ts";

const OPTIONS = resolveOptions({});

/** A configuration on a disk of its own, a server that follows it, and what is said and done. */
class Scene {
  readonly files: Map<string, string>;
  readonly complaints: string[] = [];
  reloads = 0;
  isWanted = true;
  /** What the next reload fails with. */
  failure: Error | null = null;
  /** What is watched at present. */
  watched: readonly string[] = [];
  /** Happens while a watch begins. */
  onWatch: () => void = () => {};
  #onChange: () => Promise<void> = async () => assert.fail("nothing is watched");
  readonly watch: ConfigWatch;

  constructor(files: Record<string, string>) {
    this.files = new Map(Object.entries(files));
    const say = (text: string): void => void this.complaints.push(text);
    this.watch = new ConfigWatch("d/a.conf", {
      readFile: (path) => this.files.get(path) ?? missing(path),
      env: () => undefined,
      watchFiles: (paths, onChange) => this.#open(paths, onChange),
      log: { ...SILENT_LOG, warn: say, error: say },
      isWanted: () => this.isWanted,
      reload: () => this.#reload(),
    });
  }

  /** Begins, with the digest of what is there now. */
  async start(): Promise<void> {
    const text = this.files.get("d/a.conf") ?? "";
    const readFile = (path: string): string => this.files.get(path) ?? missing(path);
    const { digest } = loadConfig(text, { file: "d/a.conf", readFile, env: () => undefined });
    await this.watch.start(OPTIONS, digest);
  }

  /** Writes a file; whoever watches it is told. */
  async write(path: string, text: string): Promise<void> {
    this.files.set(path, text);
    if (this.watched.includes(path)) await this.#onChange();
  }

  async #reload(): Promise<void> {
    this.reloads++;
    const { failure } = this;
    this.failure = null;
    if (failure !== null) throw failure;
    const step = this.watch.prepare(OPTIONS, OPTIONS);
    step.commit();
    await step.finish?.();
  }

  #open(paths: readonly string[], onChange: () => Promise<void>): Watch {
    assert.deepEqual(this.watched, [], "one watch at a time");
    this.watched = paths;
    this.#onChange = onChange;
    const ready = Promise.resolve().then(() => this.onWatch());
    return { ready, close: () => void (this.watched = []) };
  }
}

function missing(path: string): never {
  throw new Error(`open ${path}: no such file or directory`);
}

test("a change is a reload", async () => {
  const scene = new Scene({ "d/a.conf": "max_payload: 1" });
  await scene.start();
  assert.deepEqual([scene.watched, scene.reloads], [["d/a.conf"], 0]);
  await scene.write("d/a.conf", "max_payload: 2");
  assert.equal(scene.reloads, 1);
});

test("so is one of a file that is included, from when it is", async () => {
  const scene = new Scene({ "d/a.conf": "max_payload: 1", "d/b.conf": "debug: true" });
  await scene.start();
  await scene.write("d/b.conf", "debug: false");
  assert.equal(scene.reloads, 0);
  await scene.write("d/a.conf", "include b.conf");
  assert.deepEqual([scene.watched, scene.reloads], [["d/a.conf", "d/b.conf"], 1]);
  await scene.write("d/b.conf", "debug: true");
  assert.equal(scene.reloads, 2);
});

test("a file that is missing may come", async () => {
  const scene = new Scene({ "d/a.conf": "include b.conf" });
  await scene.start();
  await scene.write("d/b.conf", "debug: true");
  assert.equal(scene.reloads, 1);
});

test("what changes while the watch begins is not missed", async () => {
  const scene = new Scene({ "d/a.conf": "max_payload: 1" });
  scene.onWatch = () => void scene.files.set("d/a.conf", "max_payload: 2");
  await scene.start();
  assert.equal(scene.reloads, 1);
});

test("an empty file is left alone", async () => {
  const scene = new Scene({ "d/a.conf": "max_payload: 1" });
  await scene.start();
  await scene.write("d/a.conf", "# in a moment");
  assert.equal(scene.reloads, 0);
  assert.deepEqual(scene.complaints, ["Configuration file d/a.conf has become empty: not reloaded"]);
});

test("a reload that fails is told of, and the next change tried again", async () => {
  const scene = new Scene({ "d/a.conf": "max_payload: 1" });
  await scene.start();
  scene.failure = new Error("not that");
  await scene.write("d/a.conf", "max_payload: 2");
  await scene.write("d/a.conf", "max_payload: 3");
  assert.equal(scene.reloads, 2);
  assert.deepEqual(scene.complaints, ["Failed to reload server configuration: not that"]);
});

test("a reload ends the watch, and begins it", async () => {
  const scene = new Scene({ "d/a.conf": "max_payload: 1" });
  await scene.start();
  scene.isWanted = false;
  await scene.write("d/a.conf", "max_payload: 2");
  assert.deepEqual(scene.watched, []);
  scene.isWanted = true;
  const step = scene.watch.prepare(OPTIONS, OPTIONS);
  assert.deepEqual(scene.watched, [], "not before it is in force");
  step.commit();
  await step.finish?.();
  assert.deepEqual(scene.watched, ["d/a.conf"]);
  scene.watch.close();
  assert.deepEqual(scene.watched, []);
});

test("nobody asks for it: nothing is watched", async () => {
  const scene = new Scene({ "d/a.conf": "max_payload: 1" });
  scene.isWanted = false;
  await scene.start();
  assert.deepEqual(scene.watched, []);
});
