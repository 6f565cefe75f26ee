/**
 * Real keys, tokens and certificates, made by the official libraries and shown by the official clients, to our server and
 * to nats-server: who gets in, and who does not.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as current from "@nats-io/transport-node";
import * as older from "nats";
import { eachPackage, Inbox, startServer } from "./clients/typescript/harness.ts";
import { type Credentials, credentialScenes } from "./support/credential-scenes.ts";

const folder = mkdtempSync(join(tmpdir(), "caddis-credentials-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const scenes = await credentialScenes(folder);

/** The way that a package reads seeds and creds files. */
type Authenticators = Pick<typeof current, "nkeyAuthenticator" | "credsAuthenticator">;

function optionsOf(
  { user, pass, token, seedFile, credsFile, tls }: Credentials,
  { nkeyAuthenticator, credsAuthenticator }: Authenticators,
): current.NodeConnectionOptions {
  return {
    ...(user !== undefined && { user }),
    ...(pass !== undefined && { pass }),
    ...(token !== undefined && { token }),
    ...(seedFile !== undefined && { authenticator: nkeyAuthenticator(readFileSync(seedFile)) }),
    ...(credsFile !== undefined && { authenticator: credsAuthenticator(readFileSync(credsFile)) }),
    ...(tls === null && { tls }),
    ...(tls && {
      tls: {
        caFile: tls.caFile,
        ...(tls.certFile !== undefined && { certFile: tls.certFile, keyFile: tls.keyFile ?? "" }),
        ...(tls.isFirst === true && { handshakeFirst: true }),
      },
    }),
  };
}

eachPackage((client, target) => {
  const authenticators: Authenticators = client.name === "nats" ? older : current;
  for (const { name, config, good, bad } of scenes) {
    test(name, async (t) => {
      const server = await startServer(t, target, { config });
      const connect = (credentials: Credentials): ReturnType<typeof client.connect> =>
        client.connect({
          servers: `127.0.0.1:${server.port}`,
          maxReconnectAttempts: 0,
          reconnect: false,
          ...optionsOf(credentials, authenticators),
        });
      for (const [what, credentials] of good) {
        const connection = await connect(credentials);
        const inbox = new Inbox(connection.subscribe("a"));
        connection.publish("a", what);
        assert.deepEqual(await inbox.texts(1), [what]);
        await connection.close();
      }
      for (const [what, credentials] of bad)
        await assert.rejects(connect(credentials), Error, `${what} is refused`);
    });
  }
});
