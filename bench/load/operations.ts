import type { Carriage } from "./websocket.ts";

/**
 * What the load generator can be asked to do: operation, input, output. Both ends of the channel between
 * the harness and a load process are typed by this list; everything in it is plain JSON.
 */
export interface LoadOperations {
  /** Opens the connections of a throughput case. */
  openThroughput: { input: ThroughputPlan; output: null };
  /** Publishes that many messages in all and resolves when the subscribers have all of them. */
  publish: { input: { messages: number }; output: Span };
  /** Opens responder and requesters. */
  openRequests: { input: RequestPlan; output: null };
  /** Makes that many requests in all, each requester one at a time. */
  request: { input: { requests: number }; output: RequestResult };
  /** Opens one more connection and registers subscriptions `from` up to `from + count` on it. */
  subscribe: { input: SubscribePlan; output: Span };
  /** Publishes to one of the subscriptions made with `subscribe` and checks that it arrives exactly. */
  checkSubscription: { input: { port: number; index: number }; output: null };
  /** Opens connections with one subscription each. */
  openIdle: { input: IdlePlan; output: null };
  /** Opens a connection for JetStream. */
  openJetStream: { input: { port: number }; output: null };
  /** Makes requests to its API, one after the other; the last answer's text. */
  api: { input: { calls: readonly ApiCall[] }; output: string };
  /** Publishes, or makes requests, with a number of them outstanding. */
  runWindow: { input: WindowPlan; output: RequestResult };
  /** Fetches messages of a pull consumer. */
  consume: { input: ConsumePlan; output: Span };
  /** Makes a push consumer and takes what it brings. */
  watch: { input: WatchPlan; output: Span };
  /** Sends every idle connection that many messages and resolves when all have arrived. */
  burst: { input: { messagesEach: number }; output: null };
}

export interface ThroughputPlan {
  /** Of the listener for `carriage`. */
  readonly port: number;
  /** Absent: tcp. */
  readonly carriage?: Carriage;
  readonly publishers: number;
  /** Connections that receive. */
  readonly subscribers: number;
  /** True: the subscribers share one queue group and each message goes to one of them. */
  readonly queueGroup: boolean;
  /** `wildcard`: one subscription to all subjects per subscriber; `literal`: one for every subject. */
  readonly interest: "wildcard" | "literal";
  /** Subjects used in rotation. */
  readonly subjects: number;
  readonly payloadBytes: number;
  /** True: compare every byte that arrives, not only the first message and the total. */
  readonly verifyAll: boolean;
}

export interface RequestPlan {
  readonly port: number;
  readonly requesters: number;
  readonly payloadBytes: number;
}

export interface SubscribePlan {
  readonly port: number;
  readonly from: number;
  readonly count: number;
  /** True: close the connection again afterwards, which drops its subscriptions. */
  readonly close: boolean;
}

export interface IdlePlan {
  readonly port: number;
  readonly connections: number;
  /** Payload of the messages a burst sends. */
  readonly payloadBytes: number;
}

/** A request to the API of JetStream. */
export interface ApiCall {
  readonly subject: string;
  readonly payload: string;
}

export interface WindowPlan {
  readonly subject: string;
  /** True: nine digits follow the subject, counting up over all runs, from 0 again at `distinct`. */
  readonly numbered: boolean;
  readonly distinct: number;
  readonly payloadBytes: number;
  /** How many may be unanswered at a time. With 1, latencies are measured. */
  readonly window: number;
  readonly count: number;
  /** True: answers have to come in order, which is checked. */
  readonly inOrder: boolean;
}

export interface ConsumePlan {
  readonly stream: string;
  readonly consumer: string;
  readonly batch: number;
  readonly count: number;
  readonly acknowledge: boolean;
}

export interface WatchPlan {
  /** Makes the consumer; `{inbox}` stands for where it is to deliver. */
  readonly create: ApiCall;
  readonly count: number;
}

/** How long something took, and the CPU time the load process spent meanwhile, in microseconds. */
export interface Span {
  readonly elapsedMicros: number;
  readonly loadCpuMicros: number;
}

export interface RequestResult extends Span {
  readonly latencyP50Micros: number;
  readonly latencyP99Micros: number;
}

export type OperationName = keyof LoadOperations;

/** The harness asks for one operation at a time, */
export interface LoadCall<Name extends OperationName = OperationName> {
  readonly operation: Name;
  readonly input: LoadOperations[Name]["input"];
}

/** and the load process answers with its output, or with why there is none. */
export type LoadAnswer<Name extends OperationName = OperationName> =
  | { readonly output: LoadOperations[Name]["output"] }
  | { readonly error: string };
