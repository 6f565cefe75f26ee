import type { TestEvent } from "node:test/reporters";

/** A reporter for `node --test`: the files in which a test failed, a line each time. */
export default async function* failedFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type === "test:fail" && event.data.file !== undefined) yield `${event.data.file}\n`;
  }
}
