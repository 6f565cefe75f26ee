import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { TarReader } from "./tar.ts";

/** A file in an archive, or what says more about the one that follows. */
function entry(name: string, content: string, type = "0", prefix = ""): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, "latin1");
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124, "latin1");
  header.fill(0x20, 148, 156);
  header.write(type, 156, "latin1");
  header.write("ustar\x0000", 257, "latin1");
  header.write(prefix, 345, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([header, Buffer.from(content, "latin1"), padding]);
}

const END = Buffer.alloc(1024);

/** Names and contents; the last one is what is wrong, if anything is. */
function read(tar: Buffer, size: number): string[] {
  const reader = new TarReader();
  const files: string[] = [];
  let content: string | null = null;
  for (let at = 0; at < tar.length; at += size) {
    reader.append(tar.subarray(at, at + size));
    for (;;) {
      if (content === null) {
        const file = reader.next();
        if (file === null) break;
        if ("problem" in file) return [...files, `! ${file.problem}`];
        content = `${file.name}=`;
      }
      for (let piece = reader.read(); piece !== null; piece = reader.read())
        content += piece.toString("latin1");
      if (reader.leftBytes > 0) break;
      files.push(content);
      content = null;
    }
  }
  return reader.isAtEnd ? files : [...files, "…"];
}

test("files are read, however the archive is cut", () => {
  const long = "x".repeat(700);
  const pax = (name: string, value: string): string => {
    const record = ` ${name}=${value}\n`;
    let length = record.length + 1;
    while (String(length).length + record.length !== length) length++;
    return `${length}${record}`;
  };
  const tar = Buffer.concat([
    entry("a", "one"),
    entry("empty", ""),
    entry("b", long),
    entry("pax", pax("mtime", "1.5") + pax("path", "a/long/name=1"), "x"),
    entry("short", "named by POSIX"),
    entry("././@LongLink", "another/long/name\0", "L"),
    entry("short", "named by GNU"),
    entry("name", "prefixed", "0", "with/a"),
    END,
  ]);
  const expected = [
    "a=one",
    "empty=",
    `b=${long}`,
    "a/long/name=1=named by POSIX",
    "another/long/name=named by GNU",
    "with/a/name=prefixed",
  ];
  for (const size of [1, 7, 100, 512, 513, 100_000]) assert.deepEqual(read(tar, size), expected);
  assert.deepEqual(read(tar.subarray(0, 3_000), 512).at(-1), "…");
});

test("links, folders and nonsense are refused", () => {
  assert.deepEqual(read(Buffer.concat([entry("link", "", "2"), END]), 512), ["! unexpected content"]);
  assert.deepEqual(read(Buffer.concat([entry("folder/", "", "5"), END]), 512), ["! unexpected content"]);
  assert.deepEqual(read(Buffer.alloc(512, 1), 512), ["! the archive is damaged"]);
  const huge = entry("x", "9".repeat(70_000), "x");
  assert.deepEqual(read(huge, 512), ["! the archive is damaged"]);
});

test("anything ends in files or in what is wrong", () => {
  const whole = Buffer.concat([
    entry("a", "one"),
    entry("pax", "12 path=abc\n", "x"),
    entry("b", "two"),
    END,
  ]);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 }), (changes) => {
      const tar = Buffer.from(whole);
      for (const [at, value] of changes) tar[at] = value;
      read(tar, 512);
    }),
  );
});
