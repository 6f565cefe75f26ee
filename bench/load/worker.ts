/** The load process: does what the harness asks over the channel it was forked with, one thing at a time. */
import { IdleLoad } from "./idle.ts";
import { JetStreamLoad } from "./jetstream.ts";
import type { LoadAnswer, LoadCall, LoadOperations, OperationName } from "./operations.ts";
import { RequestLoad } from "./requests.ts";
import { SubscriptionLoad } from "./subscriptions.ts";
import { ThroughputLoad } from "./throughput.ts";

type Handlers = {
  [Name in OperationName]: (input: LoadOperations[Name]["input"]) => Promise<LoadOperations[Name]["output"]>;
};

/** The operations of one process; what one opened, the next ones use. */
function createHandlers(): Handlers {
  let throughput: ThroughputLoad | undefined;
  let requests: RequestLoad | undefined;
  let idle: IdleLoad | undefined;
  let jetStream: JetStreamLoad | undefined;
  const subscriptions = new SubscriptionLoad();
  return {
    openThroughput: async (plan) => {
      throughput = await ThroughputLoad.open(plan);
      return null;
    },
    publish: async ({ messages }) => opened(throughput).publish(messages),
    openRequests: async (plan) => {
      requests = await RequestLoad.open(plan);
      return null;
    },
    request: async ({ requests: count }) => opened(requests).run(count),
    subscribe: async (plan) => subscriptions.subscribe(plan),
    checkSubscription: async ({ port, index }) => {
      await subscriptions.check(port, index);
      return null;
    },
    openJetStream: async ({ port }) => {
      jetStream = await JetStreamLoad.open(port);
      return null;
    },
    api: async ({ calls }) => opened(jetStream).api(calls),
    runWindow: async (plan) => opened(jetStream).run(plan),
    consume: async (plan) => opened(jetStream).consume(plan),
    watch: async (plan) => opened(jetStream).watch(plan),
    openIdle: async (plan) => {
      idle = await IdleLoad.open(plan);
      return null;
    },
    burst: async ({ messagesEach }) => {
      await opened(idle).burst(messagesEach);
      return null;
    },
  };
}

function opened<Load>(load: Load | undefined): Load {
  if (load === undefined) throw new Error("asked before it was opened");
  return load;
}

const handlers = createHandlers();

async function answer<Name extends OperationName>(call: LoadCall<Name>): Promise<LoadAnswer<Name>> {
  try {
    return { output: await handlers[call.operation](call.input) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

process.on("message", (call: LoadCall) => {
  void answer(call).then((result) => process.send?.(result));
});
// Without its harness a load process has nothing to live for.
process.on("disconnect", () => process.exit());
