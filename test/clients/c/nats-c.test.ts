import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { checkForeignClient } from "../support/checks.ts";
import { cacheFolder, sourceFolder, tool } from "../support/programs.ts";

/** Debian's packages of the library and of what it needs beyond a usual system; apt checks their signatures. */
const PACKAGES = ["libnats-dev", "libnats3.4", "libprotobuf-c1"];

/** The folder that the packages are unpacked into, in place of installing them. */
async function unpacked(): Promise<string> {
  return join(await cacheFolder("c"), "root");
}

checkForeignClient({
  name: "nats.c",
  needs: ["apt-get", "dpkg-deb", "gcc"],
  slow: true,
  lacks: ["object-store"],
  fetch: async () => {
    const packages = join(await cacheFolder("c"), "packages");
    await rm(packages, { recursive: true, force: true });
    await mkdir(packages);
    await tool("apt-get", ["-q", "download", ...PACKAGES], { cwd: packages });
    for (const name of await readdir(packages))
      await tool("dpkg-deb", ["-x", join(packages, name), await unpacked()]);
  },
  build: async () => {
    const usr = join(await unpacked(), "usr");
    const libraries = join(usr, "lib", (await tool("gcc", ["-print-multiarch"])).trim());
    const binary = join(await cacheFolder("c"), "checks");
    const warnings = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror", "-pthread"];
    // An old-style RPATH also serves the libraries that libnats itself needs.
    const link = [`-L${libraries}`, `-Wl,--disable-new-dtags,-rpath,${libraries}`, "-lnats"];
    const files = ["checks.c", "jetstream.c"].map((name) => join(sourceFolder("c"), name));
    await tool("gcc", [...warnings, `-I${join(usr, "include")}`, "-o", binary, ...files, ...link]);
    return {
      messaging: { command: binary, args: ["messaging"] },
      jetstream: { command: binary, args: ["jetstream"] },
    };
  },
});
