import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAuthority, parseOrigin } from "./origin.ts";

test("an origin is a scheme, a host and a port", () => {
  const cases = {
    "https://a.test": { scheme: "https", host: "a.test", port: "443" },
    "http://a.test": { scheme: "http", host: "a.test", port: "80" },
    "HTTPS://A.Test:8443/path?q#f": { scheme: "https", host: "a.test", port: "8443" },
    "http://[::1]:8080": { scheme: "http", host: "::1", port: "8080" },
    "ftp://x": { scheme: "ftp", host: "x", port: "80" },
  };
  for (const [text, origin] of Object.entries(cases)) assert.deepEqual(parseOrigin(text), origin, text);
});

test("what is none is said to be none", () => {
  for (const text of [
    "",
    "null",
    "a.test",
    "//a.test",
    "https:a.test",
    "https://a b",
    "https://a@b",
    "https://a:b",
    "https://a:1:2",
    " https://a",
  ]) {
    assert.equal(typeof parseOrigin(text), "string", text);
  }
});

test("a host without a port has that of its scheme", () => {
  assert.deepEqual(parseAuthority("A.test", true), { host: "a.test", port: "443" });
  assert.deepEqual(parseAuthority("A.test", false), { host: "a.test", port: "80" });
  assert.equal(parseAuthority("a:b:c", false), null);
});
