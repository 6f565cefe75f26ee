import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { watchFiles, type WatchTiming } from "./certificate-watch.ts";

/** Looks soon after an event, and otherwise never within a test. */
const EVENTS_ONLY: WatchTiming = { settleMs: 5, pollMs: 3_600_000 };
/** Looks often, whatever is told. */
const POLL_ONLY: WatchTiming = { settleMs: 3_600_000, pollMs: 5 };

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "caddis-watch-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Watches, and hands out a promise of each further change. */
async function watching(
  t: TestContext,
  paths: readonly string[],
  timing: WatchTiming,
): Promise<{ readonly changed: () => Promise<void>; readonly calls: () => number; close(): void }> {
  let calls = 0;
  let next = Promise.withResolvers<void>();
  const watch = watchFiles(
    paths,
    () => {
      calls++;
      next.resolve();
      return Promise.resolve();
    },
    timing,
  );
  t.after(() => watch.close());
  await watch.ready;
  return {
    async changed() {
      await next.promise;
      next = Promise.withResolvers<void>();
    },
    calls: () => calls,
    close: () => watch.close(),
  };
}

/** Puts `text` at `path` as careful writers do. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

const run = (what: string, body: (t: TestContext) => Promise<void>): void => {
  test(what, { timeout: 10_000 }, body);
};

for (const [how, timing] of [
  ["by events", EVENTS_ONLY],
  ["by looking", POLL_ONLY],
] as const) {
  run(`a file that is rewritten, renamed over, removed and made again is noticed ${how}`, async (t) => {
    const path = join(folder(t), "cert.pem");
    writeFileSync(path, "one");
    const { changed } = await watching(t, [path], timing);
    writeFileSync(path, "two and more");
    await changed();
    replace(path, "three");
    await changed();
    rmSync(path);
    await changed();
    writeFileSync(path, "four");
    await changed();
  });

  run(`a swap of the folder behind a link is noticed ${how}, again and again`, async (t) => {
    const root = folder(t);
    const swap = (version: string): void => {
      mkdirSync(join(root, version));
      writeFileSync(join(root, version, "tls.crt"), version);
      symlinkSync(version, join(root, "..data_tmp"));
      renameSync(join(root, "..data_tmp"), join(root, "..data"));
    };
    swap("..v1");
    symlinkSync("..data/tls.crt", join(root, "tls.crt"));
    const { changed } = await watching(t, [join(root, "tls.crt")], timing);
    swap("..v2");
    await changed();
    rmSync(join(root, "..v1"), { recursive: true });
    swap("..v3");
    await changed();
  });
}

run("what a link leads to in another folder is watched there, and where it leads to next", async (t) => {
  const [here, there, elsewhere] = [folder(t), folder(t), folder(t)];
  for (const root of [there, elsewhere]) writeFileSync(join(root, "cert"), root);
  symlinkSync(join(there, "cert"), join(here, "cert"));
  const { changed } = await watching(t, [join(here, "cert")], EVENTS_ONLY);
  replace(join(there, "cert"), "two");
  await changed();
  symlinkSync(join(elsewhere, "cert"), join(here, "new"));
  renameSync(join(here, "new"), join(here, "cert"));
  await changed();
  replace(join(elsewhere, "cert"), "three");
  await changed();
});

run("a folder that is made anew is watched again", async (t) => {
  const root = folder(t);
  const path = join(root, "certs", "cert.pem");
  mkdirSync(join(root, "certs"));
  writeFileSync(path, "one");
  const { changed } = await watching(t, [path, join(root, "beside")], EVENTS_ONLY);
  rmSync(join(root, "certs"), { recursive: true });
  await changed();
  mkdirSync(join(root, "certs"));
  writeFileSync(path, "two");
  await changed();
  writeFileSync(path, "three, in the new folder");
  await changed();
});

run("other files in the folder are nobody's business, and a burst is one change", async (t) => {
  const root = folder(t);
  const [cert, key, beside] = ["cert", "key", "beside"].map((name) => join(root, name));
  for (const path of [cert, key]) writeFileSync(path, "one");
  const { changed, calls } = await watching(t, [cert, key], { settleMs: 100, pollMs: 3_600_000 });
  const other = await watching(t, [beside], { settleMs: 100, pollMs: 3_600_000 });
  writeFileSync(beside, "x");
  await other.changed();
  replace(cert, "two");
  replace(key, "two");
  await changed();
  const seen = calls();
  writeFileSync(beside, "y");
  replace(cert, "three");
  await changed();
  assert.deepEqual([seen, calls()], [1, 2]);
});

run("changes during a change come to one more", async (t) => {
  const path = join(folder(t), "cert");
  writeFileSync(path, "one");
  const [entered, release, again] = [0, 1, 2].map(() => Promise.withResolvers<void>());
  let running = 0;
  let calls = 0;
  const watch = watchFiles(
    [path],
    async () => {
      assert.equal(++running, 1, "one at a time");
      calls++;
      if (calls === 1) entered.resolve();
      else again.resolve();
      if (calls === 1) await release.promise;
      running--;
    },
    EVENTS_ONLY,
  );
  t.after(() => watch.close());
  await watch.ready;
  const { changed } = await watching(t, [path], EVENTS_ONLY);
  replace(path, "two");
  await entered.promise;
  await changed();
  replace(path, "three");
  // The other one has heard of it: so has this one, which is busy.
  await changed();
  release.resolve();
  await again.promise;
});

run("after close nothing is called and nothing stays behind", async (t) => {
  const path = join(folder(t), "cert");
  const before = watchedFolders();
  const clear = t.mock.method(globalThis, "clearInterval");
  const closed = await watching(t, [path], { settleMs: 0, pollMs: 3_600_000 });
  const early = watchFiles([path], () => Promise.reject(new Error("closed while it looks")), POLL_ONLY);
  assert.equal(watchedFolders(), before === null ? null : before + 1);
  early.close();
  closed.close();
  const other = await watching(t, [path], EVENTS_ONLY);
  writeFileSync(path, "new");
  await other.changed();
  other.close();
  assert.equal(closed.calls(), 0);
  await early.ready;
  assert.equal(watchedFolders(), before);
  assert.equal(clear.mock.callCount(), 3, "each stops looking");
});

/** Folders that this process is told of changes in; null where the system does not say. */
function watchedFolders(): number | null {
  if (process.platform !== "linux") return null;
  const infos = readdirSync("/proc/self/fdinfo").map((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, "latin1");
    } catch {
      return "";
    }
  });
  return infos.join("").split("inotify wd:").length - 1;
}
