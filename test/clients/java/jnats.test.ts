import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkForeignClient } from "../support/checks.ts";
import { cacheFolder, sourceFolder, tool } from "../support/programs.ts";

/** Copies what a pom.xml names, with what that needs, into a folder. */
const COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

const source = sourceFolder("java");

/** Fails unless the folder holds exactly the archives of SHA256SUMS: Maven 3 locks nothing by itself. */
async function verify(jars: string): Promise<void> {
  const found: string[] = [];
  for (const name of (await readdir(jars)).sort()) {
    found.push(
      `${createHash("sha256")
        .update(await readFile(join(jars, name)))
        .digest("hex")}  ${name}`,
    );
  }
  assert.equal(`${found.join("\n")}\n`, await readFile(join(source, "SHA256SUMS"), "utf8"));
}

checkForeignClient({
  name: "jnats",
  needs: ["java", "javac", "mvn"],
  slow: true,
  lacks: [],
  fetch: async () => {
    const jars = join(await cacheFolder("java"), "jars");
    await tool("mvn", ["-q", "-B", "-f", join(source, "pom.xml"), COPY, `-DoutputDirectory=${jars}`]);
  },
  build: async () => {
    const cache = await cacheFolder("java");
    const jars = join(cache, "jars");
    await verify(jars);
    const classes = join(cache, "classes");
    const path = `${jars}/*`;
    await tool("javac", [
      "-Xlint:all,-try",
      "-Werror",
      "-cp",
      path,
      "-d",
      classes,
      join(source, "Checks.java"),
      join(source, "JetStreamChecks.java"),
    ]);
    const args = ["-cp", `${classes}:${path}`, "Checks"];
    return {
      messaging: { command: "java", args: [...args, "messaging"] },
      jetstream: { command: "java", args: [...args, "jetstream"] },
    };
  },
});
