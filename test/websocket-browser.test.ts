/** A browser that connects by WebSocket, with and without compression, and exchanges messages. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test, type TestContext } from "node:test";
import { WsServer } from "./support/ws-server.ts";

const DEADLINE = { timeout: 60_000 };

/** Names under which systems have it. */
const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];

/** The browser's path from CHROMIUM or PATH; null where there is none. */
function findBrowser(): string | null {
  const named = process.env["CHROMIUM"];
  if (named !== undefined && named !== "") return named;
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const found = BROWSERS.map((name) => join(folder, name)).find(
      (path) => folder !== "" && existsSync(path),
    );
    if (found !== undefined) return found;
  }
  return null;
}

/**
 * A page that subscribes, publishes text and bytes to itself, and asks a service outside; it reports what came of it
 * to the place it is from. A few lines of the protocol instead of a client: what is tested is the WebSocket.
 */
function page(url: string, count: number): string {
  return `<!doctype html><meta charset="utf-8"><script>
    const socket = new WebSocket(${JSON.stringify(url)});
    socket.binaryType = "arraybuffer";
    let got = "";
    const decoder = new TextDecoder("latin1");
    const report = (text) => fetch("/report", { method: "POST", body: text });
    socket.onopen = () => {
      socket.send('CONNECT {"verbose":false,"protocol":1,"lang":"browser"}\\r\\nSUB page 1\\r\\nSUB answers 2\\r\\nPING\\r\\n');
      for (let i = 0; i < ${count}; i++) {
        const payload = String(i).padStart(1000, ".");
        if (i % 2 === 0) socket.send("PUB page 1000\\r\\n" + payload + "\\r\\n");
        else socket.send(new TextEncoder().encode("PUB page 1000\\r\\n" + payload + "\\r\\n"));
      }
      socket.send("PUB questions answers 5\\r\\nhello\\r\\n");
    };
    socket.onmessage = ({ data }) => {
      got += typeof data === "string" ? "TEXT" : decoder.decode(data);
      const numbers = [...got.matchAll(/MSG page 1 1000\\r\\n\\.+(\\d+)\\r\\n/g)].map((found) => Number(found[1]));
      const answer = /MSG answers 2 \\d+\\r\\n(.*?)\\r\\n/.exec(got);
      if (answer !== null && numbers.length === ${count} && !socket.isDone) {
        socket.isDone = true;
        report(JSON.stringify({ inOrder: numbers.every((n, i) => n === i), answer: answer[1], extensions: socket.extensions }));
        socket.close(1000, "done");
      }
    };
    socket.onerror = () => report("error");
  </script>`;
}

/** Serves the page and resolves with its report. */
async function visit(
  t: TestContext,
  browser: string,
  html: string,
): Promise<{ report: Promise<string>; origin: string }> {
  const report = Promise.withResolvers<string>();
  const site = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      if (request.url === "/report") report.resolve(body);
      response.writeHead(200, { "Content-Type": "text/html" });
      response.end(request.url === "/" ? html : "");
    });
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  const folder = mkdtempSync(join(tmpdir(), "caddis-browser-"));
  const child: ChildProcess = spawn(
    browser,
    [
      "--headless=new",
      // Tests run in containers, as root.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      `--user-data-dir=${folder}`,
      `${origin}/`,
    ],
    { stdio: "ignore", detached: true },
  );
  child.once("error", report.reject);
  child.once("exit", (code) => report.reject(new Error(`the browser left with ${code}`)));
  t.after(async () => {
    site.closeAllConnections();
    site.close();
    child.removeAllListeners("exit");
    const gone = once(child, "exit");
    // With its helpers, which are in a group of their own.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    if (child.exitCode === null) await gone;
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  return { report: report.promise, origin };
}

for (const compression of [false, true]) {
  test(`a browser exchanges messages${compression ? ", compressed" : ""}`, DEADLINE, async (t) => {
    const browser = findBrowser();
    if (browser === null) {
      t.skip("no chromium on PATH");
      return;
    }
    const server = await WsServer.start(t, `compression: ${compression}`);
    const service = await server.attacked.enter();
    service.send("SUB questions 1\r\n");
    await service.barrier();
    const { report } = await visit(t, browser, page(server.url, 200));
    // The question comes when the page has begun.
    await service.waitUntil(() => service.lines.some((line) => line.startsWith("MSG questions")), 50_000);
    service.send("PUB answers 6\r\nhello!\r\n");
    const said = JSON.parse(await report) as { inOrder: boolean; answer: string; extensions: string };
    assert.equal(said.inOrder, true);
    assert.equal(said.answer, "hello!");
    assert.equal(said.extensions.startsWith("permessage-deflate"), compression);
  });
}

test("a browser is refused on a page of another origin", DEADLINE, async (t) => {
  const browser = findBrowser();
  if (browser === null) {
    t.skip("no chromium on PATH");
    return;
  }
  const server = await WsServer.start(t, `allowed_origins: ["https://app.example.com"]`);
  const { report, origin } = await visit(t, browser, page(server.url, 1));
  assert.equal(await report, "error");
  assert.ok(
    server.log.some((line) =>
      line.includes("websocket handshake error: origin not allowed: not in the allowed list"),
    ),
  );
  assert.match(origin, /^http:/);
});
