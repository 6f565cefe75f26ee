import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { CADDIS_VERSION } from "../packages/caddis/src/base/version.ts";

const ROOT = join(import.meta.dirname, "..");
const PACKAGE = join(ROOT, "packages/caddis");
const SOURCE = join(PACKAGE, "src");
/** The table of folders that people read is the one that is checked. */
const TOUR = join(ROOT, "docs/tour.md");

/** Besides `cli`, the places where the ports of production are plugged in. */
const COMPOSERS = ["server/create-server.ts", "server/node-ports.ts", "server/testing.ts"];
/** Modules that are the world: only `io/node` asks for them. What is left computes, or only names things. */
const HARMLESS_MODULES = ["node:crypto", "node:path", "node:module"];
/** The packages that are used, each in its place: the client is for connections inside the process. */
const PACKAGES: Readonly<Record<string, string>> = {
  "@nats-io/nats-core": "server/in-process",
  "@node-rs/bcrypt": "io/node/bcrypt.ts",
  "@noble/ciphers": "auth/xkey.ts",
  "prom-client": "metrics/",
  "@opentelemetry/api": "otel/",
  ws: "io/node/websocket",
};
/** Where `node:crypto` may do its arithmetic. */
const CRYPTO_USERS = [
  "auth/",
  "store/",
  "jetstream/core/block-file-hash.ts",
  "config/digest.ts",
  "io/node/",
  "system/views/peer-certificate.ts",
];
/** Where a module is taken for its arithmetic alone. */
const ARITHMETIC: Readonly<Record<string, readonly string[]>> = {
  "node:zlib": ["store/file/checksum.ts", "store/file/frames.ts"],
};
/** Globals that are the world. */
const WORLD =
  /(?<!#)\b(?:setTimeout|setInterval|setImmediate|fetch)\(|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b/;

interface SourceFile {
  /** Below `src`, with slashes. */
  readonly path: string;
  /** Without comments. */
  readonly code: string;
  /** What it imports, as written. */
  readonly imports: readonly string[];
}

/** Comments out, strings kept: a quick cut that takes `//` inside a string for a comment, which harms nothing here. */
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|[^:"'`])\/\/.*$/gm, "$1");
}

function readSource(path: string): SourceFile {
  const code = withoutComments(readFileSync(join(SOURCE, path), "utf8"));
  const imports = [...code.matchAll(/(?<![.\w])(?:from|import)\s*\(?\s*"([^"\s]+)"/g)].map(
    (match) => match[1],
  );
  return { path, code, imports };
}

const files = globSync("**/*.ts", { cwd: SOURCE }).map((path) => readSource(path.replaceAll("\\", "/")));
const product = files.filter(({ path }) => !path.endsWith(".test.ts"));

/** The file below `src` that a relative import means. */
function target(file: SourceFile, specifier: string): string {
  return normalize(join(dirname(file.path), specifier)).replaceAll("\\", "/");
}

/** The row of the tour that a file belongs to: its folder, or a part of it that has a row of its own. */
function folderOf(path: string): string {
  return path.startsWith("jetstream/core/") ? "jetstream/core" : path.split("/")[0];
}

/** The rows `| src/x | … | a, b |` of the tour. */
function readTour(): Map<string, readonly string[]> {
  const rows = readFileSync(TOUR, "utf8").matchAll(/^\|\s*`src\/([\w/-]+)`\s*\|[^|]*\|([^|]*)\|\s*$/gm);
  return new Map(
    [...rows].map(([, folder, allowed]) => [
      folder,
      allowed.trim() === "nothing" ? [] : allowed.split(",").map((name) => name.trim()),
    ]),
  );
}

test("the sources are found", () => {
  assert.ok(product.length > 50 && files.length > product.length);
  assert.ok(product.some(({ imports }) => imports.length > 3));
});

test("folders import only what the tour says", (t) => {
  if (!existsSync(TOUR)) {
    t.skip("no docs/tour.md");
    return;
  }
  const table = readTour();
  const folders = new Set(product.map(({ path }) => folderOf(path)));
  assert.deepEqual(new Set(table.keys()), folders, "the tour names every folder, and none that is not there");
  for (const allowed of table.values())
    for (const name of allowed) assert.ok(folders.has(name), `a folder ${name}`);
  const violations: string[] = [];
  for (const file of product) {
    const folder = folderOf(file.path);
    for (const specifier of file.imports.filter((name) => name.startsWith("."))) {
      const imported = target(file, specifier);
      assert.ok(existsSync(join(SOURCE, imported)), `${file.path} imports ${imported}`);
      const to = folderOf(imported);
      if (to !== folder && table.get(folder)?.includes(to) !== true)
        violations.push(`${file.path} imports ${imported}`);
    }
  }
  assert.deepEqual(violations, []);
});

test("the tour's table has no cycle", (t) => {
  if (!existsSync(TOUR)) {
    t.skip("no docs/tour.md");
    return;
  }
  const left = new Map(readTour());
  while (left.size > 0) {
    const free = [...left].filter(([, allowed]) => allowed.every((name) => !left.has(name)));
    assert.ok(free.length > 0, `a cycle among ${[...left.keys()].join(", ")}`);
    for (const [folder] of free) left.delete(folder);
  }
});

test("io/node is plugged in by the program and by the library's entry points only", () => {
  const violations = product
    .filter(
      ({ path }) => !path.startsWith("io/node/") && !path.startsWith("cli/") && !COMPOSERS.includes(path),
    )
    .filter((file) =>
      file.imports.some((name) => name.startsWith(".") && target(file, name).startsWith("io/node/")),
    )
    .map(({ path }) => path);
  assert.deepEqual(violations, []);
});

test("only io/node touches sockets, files, processes, timers, the time of day and chance", () => {
  const violations: string[] = [];
  for (const { path, code, imports } of product) {
    if (path.startsWith("io/node/")) continue;
    for (const name of imports) {
      const isHarmless = HARMLESS_MODULES.includes(name) || (ARITHMETIC[name] ?? []).includes(path);
      if (name.startsWith("node:") && !isHarmless) violations.push(`${path}: ${name}`);
      if (name === "node:crypto" && !CRYPTO_USERS.some((user) => path.startsWith(user)))
        violations.push(`${path}: ${name}`);
    }
    const world = WORLD.exec(code);
    if (world !== null) violations.push(`${path}: ${world[0]}`);
  }
  assert.deepEqual(violations, []);
});

test("a package is used in its one place", () => {
  const violations = product.flatMap(({ path, imports }) =>
    imports
      .filter((name) => !name.startsWith(".") && !name.startsWith("node:"))
      .filter(
        (name) =>
          !Object.entries(PACKAGES).some(
            ([known, place]) => (name === known || name.startsWith(`${known}/`)) && path.startsWith(place),
          ),
      )
      .map((name) => `${path}: ${name}`),
  );
  assert.deepEqual(violations, []);
});

test("every file is imported by another, or is an entry point of the package", () => {
  const manifest = readFileSync(join(PACKAGE, "package.json"), "utf8");
  const entries = [...manifest.matchAll(/"(?:\.\/)?dist\/([\w/-]+)\.js"/g)].map((match) => `${match[1]}.ts`);
  assert.ok(entries.length >= 2, "the package names its entry points");
  for (const entry of entries) assert.ok(existsSync(join(SOURCE, entry)), entry);
  const imported = new Set(
    product.flatMap((file) =>
      file.imports.filter((name) => name.startsWith(".")).map((name) => target(file, name)),
    ),
  );
  const orphans = product
    .map(({ path }) => path)
    .filter((path) => !imported.has(path) && !entries.includes(path));
  assert.deepEqual(orphans, []);
});

test("no module has a variable of its own: all state hangs off a server", () => {
  const violations = product
    .filter(({ code }) => /^(?:export )?(?:let|var)\s/m.test(code))
    .map(({ path }) => path);
  assert.deepEqual(violations, []);
});

test("the version is the package's", () => {
  const manifest = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")) as {
    readonly version: string;
  };
  assert.equal(CADDIS_VERSION, manifest.version);
});
