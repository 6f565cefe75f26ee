import assert from "node:assert/strict";
import { test } from "node:test";
import { basePath, cleanPath } from "./path.ts";

test("paths have one spelling", () => {
  const cases: [string, string][] = [
    ["/", "/"],
    ["//", "/"],
    ["/varz", "/varz"],
    ["/varz/", "/varz/"],
    ["//varz", "/varz"],
    ["/./varz", "/varz"],
    ["/a/../varz", "/varz"],
    ["/../../varz", "/varz"],
    ["/a/b/..", "/a"],
    ["/a/./", "/a/"],
    ["/a/..", "/"],
    ["/a...", "/a..."],
    ["/...", "/..."],
  ];
  for (const [path, clean] of cases) assert.equal(cleanPath(path), clean, path);
});

test("a base path is taken with and without its slashes", () => {
  for (const text of ["nats", "/nats", "nats/", "//nats//", "/x/../nats"])
    assert.equal(basePath(text), "/nats");
  for (const text of ["", "/", "."]) assert.equal(basePath(text), "");
});
