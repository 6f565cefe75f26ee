import { Timer } from "../base/timer-queue.ts";
import { makeMessage } from "../broker/message.ts";
import { randomName } from "../broker/random-name.ts";
import { fromWireString } from "../subject/subject.ts";
import { deleteSubject } from "./core/origin-request.ts";
import type { StreamSource } from "./core/stream-config.ts";
import type { Stream } from "./stream.ts";

const ANSWER_MS = 10_000;
const UNIQUE_LENGTH = 8;
const NOTHING = new Uint8Array(0);
/** In an answer that says it is done, or that there was nothing to do. */
const DONE = /"success":\s*true|"err_code":\s*(?:10014|10059)/;

/**
 * Asks an origin once to do away with the durable consumer by which `stream` followed it: it would keep messages for
 * nobody. Where that can't be done, the log says so.
 */
export function forgetConsumer(stream: Stream, source: StreamSource, consumer: string): void {
  const { account } = stream.owner;
  const { broker } = account;
  const origin = `${fromWireString(source.name)} > ${consumer}`;
  const end = (problem: string): void => {
    broker.timers.cancel(timer);
    account.unsubscribe(inbox);
    if (problem !== "")
      broker.log.warn(
        `JetStream consumer '${origin}' of stream '${stream.name}' could not be deleted: ${problem}`,
      );
  };
  const timer = new Timer(() => end("no answer"));
  const reply = `$JSC.R.${randomName(broker.random, UNIQUE_LENGTH)}`;
  const inbox = account.listen(reply, "", ({ payload }) => {
    const answer = payload.toString("utf8");
    end(DONE.test(answer) ? "" : answer);
  });
  broker.timers.setIn(timer, ANSWER_MS);
  if (account.publish(makeMessage(deleteSubject(source, consumer), reply, "", NOTHING)) === 0) end("");
}
