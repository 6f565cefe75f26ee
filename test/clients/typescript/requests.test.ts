import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { assertNobodyAnswers, connect, eachPackageOnOneServer, LONG_MS } from "./harness.ts";
import { errorText, type ClientPackage, type Connection } from "./package.ts";

/** A connection that answers each message on `subject` with its text in capitals and its own headers. */
async function shouter(
  t: TestContext,
  client: ClientPackage,
  port: number,
  subject: string,
): Promise<Connection> {
  const connection = await connect(t, client, port);
  connection.subscribe(subject, {
    callback: (_error, message) => {
      message.respond(
        message.string().toUpperCase(),
        message.headers === undefined ? {} : { headers: message.headers },
      );
    },
  });
  await connection.flush();
  return connection;
}

async function collect(messages: AsyncIterable<{ string(): string } | Error>): Promise<string[]> {
  const texts: string[] = [];
  for await (const message of messages) {
    texts.push(message instanceof Error ? errorText(message) : message.string());
  }
  return texts;
}

eachPackageOnOneServer((client, port) => {
  for (const noMux of [false, true]) {
    describe(noMux ? "an inbox for each request" : "one inbox for all requests", () => {
      test("a request is answered", async (t) => {
        const subject = client.createInbox();
        await shouter(t, client, port(), subject);
        const connection = await connect(t, client, port());
        const answer = await connection.request(subject, "hello", { timeout: LONG_MS, noMux });
        assert.equal(answer.string(), "HELLO");
      });

      test("many requests at once get their own answers", async (t) => {
        const subject = client.createInbox();
        await shouter(t, client, port(), subject);
        const connection = await connect(t, client, port());
        const texts = Array.from({ length: 200 }, (_, i) => `n${i}`);
        const answers = await Promise.all(
          texts.map((text) => connection.request(subject, text, { timeout: LONG_MS, noMux })),
        );
        assert.deepEqual(
          answers.map((answer) => answer.string()),
          texts.map((text) => text.toUpperCase()),
        );
      });

      test("headers go there and back", async (t) => {
        const subject = client.createInbox();
        await shouter(t, client, port(), subject);
        const connection = await connect(t, client, port());
        const headers = client.headers();
        headers.append("trace", "17");
        const answer = await connection.request(subject, "x", { timeout: LONG_MS, noMux, headers });
        assert.equal(answer.headers?.get("trace"), "17");
      });

      test("no responders is known at once", async (t) => {
        const connection = await connect(t, client, port());
        const subject = client.createInbox();
        await assertNobodyAnswers(client, connection, subject, noMux);
      });

      test("a responder that stays silent is a timeout", async (t) => {
        const subject = client.createInbox();
        const connection = await connect(t, client, port());
        connection.subscribe(subject, { callback: () => {} });
        await assert.rejects(connection.request(subject, "", { timeout: 50, noMux }), (error) => {
          assert.match(errorText(error), client.timeout);
          return true;
        });
      });

      test("several answers, by count", async (t) => {
        const subject = client.createInbox();
        for (let i = 0; i < 3; i++) await shouter(t, client, port(), subject);
        const connection = await connect(t, client, port());
        const answers = await connection.requestMany(subject, "all", {
          strategy: "count",
          maxMessages: 3,
          maxWait: LONG_MS,
          noMux,
        });
        assert.deepEqual(await collect(answers), ["ALL", "ALL", "ALL"]);
      });

      test("several answers, up to an empty one", async (t) => {
        const subject = client.createInbox();
        const responder = await connect(t, client, port());
        responder.subscribe(subject, {
          callback: (_error, message) => {
            for (const part of ["one", "two", ""]) message.respond(part);
          },
        });
        await responder.flush();
        const connection = await connect(t, client, port());
        const answers = await connection.requestMany(subject, "", {
          strategy: client.untilEmpty,
          maxWait: LONG_MS,
          noMux,
        });
        const texts = await collect(answers);
        assert.deepEqual(texts.slice(0, 2), ["one", "two"]);
        assert.equal(texts.join(""), "onetwo");
      });
    });
  }

  test("a reply subject of the requester's choice", async (t) => {
    const subject = client.createInbox();
    await shouter(t, client, port(), subject);
    const connection = await connect(t, client, port());
    const reply = `${client.createInbox()}.mine`;
    const answer = await connection.request(subject, "x", { timeout: LONG_MS, noMux: true, reply });
    assert.equal(answer.subject, reply);
  });

  test("publishing with a reply subject to nobody brings a 503 message", async (t) => {
    const connection = await connect(t, client, port());
    const reply = client.createInbox();
    const subject = client.createInbox();
    const answers: { code: number | undefined; about: string | undefined; length: number }[] = [];
    connection.subscribe(reply, {
      callback: (_error, { headers, data }) => {
        answers.push({ code: headers?.code, about: headers?.get("Nats-Subject"), length: data.length });
      },
    });
    connection.publish(subject, "anyone?", { reply });
    await connection.flush();
    assert.deepEqual(answers, [{ code: 503, about: subject, length: 0 }]);
  });
});
