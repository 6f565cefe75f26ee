/** What one line of a transcript asks for. */
export type Command =
  /** Bytes to send, as written; neighbouring sends of one connection go out in one write. */
  | { kind: "send"; connection: string; text: string; byteByByte: boolean; line: number }
  | { kind: "action"; connection: string; action: Action; line: number }
  | { kind: "signal"; signal: NodeJS.Signals; line: number };

/** What a transcript can do with a connection besides sending. */
export type Action = (typeof ACTIONS)[number];

const ACTIONS = ["open", "sync", "drop", "end", "pause", "resume"] as const;

/** One line of output that must come. */
export interface Expectation {
  /** The connections it may come on: one of them, and a block of such lines on the same one. */
  connections: string[];
  /** The messages of a block of such lines may come in any order. */
  anyOrder: boolean;
  text: string;
  line: number;
}

/** Commands and the output that must follow before the next step begins. */
export interface Step {
  commands: Command[];
  expectations: Expectation[];
}

/** A scene with connections of its own. */
export interface Case {
  name: string;
  line: number;
  server: ServerSetup;
  steps: Step[];
}

/** What a case's server is started with. Cases with equal setups share one. */
export interface ServerSetup {
  config: string;
  /** The part of our server that this configuration needs and that is not built yet; empty when all is there. */
  later: string;
  /** Set when the case changes its server by a signal: then it has one of its own. */
  exclusive: boolean;
}

/** A file of cases. */
export interface Transcript {
  name: string;
  lines: string[];
  cases: Case[];
}

const SEND = /^([A-Z]\d*)(>>?) ?(.*)$/;
const EXPECT = /^([A-Z]\d*(?:\|[A-Z]\d*)*)([<~]) ?(.*)$/;
const ACTION = /^([A-Z]\d*) ([a-z]+)$/;

/** Reads a transcript (its format: README.md). Throws with file and line on what it does not understand. */
export function parseTranscript(name: string, text: string): Transcript {
  const lines = text.split("\n");
  const cases: Case[] = [];
  let config = "";
  let later = "";
  let open: Case | null = null;
  for (let index = 0; index < lines.length; index += 1) {
    const source = lines[index] ?? "";
    const line = index + 1;
    if (source === "" || source.startsWith("#")) continue;
    if (source === "config {") {
      const end = lines.indexOf("}", index);
      if (end < 0) throw new Error(`${name}:${line}: config block without a closing } on a line of its own`);
      config = lines.slice(index + 1, end).join("\n");
      later = "";
      open = null;
      index = end;
    } else if (source.startsWith("later: ")) {
      later = source.slice("later: ".length);
    } else if (source.startsWith("== ")) {
      open = { name: source.slice(3), line, server: { config, later, exclusive: false }, steps: [] };
      cases.push(open);
    } else if (open === null) {
      throw new Error(`${name}:${line}: outside of a case: ${source}`);
    } else {
      addLine(open, source, line, `${name}:${line}`);
    }
  }
  return { name, lines, cases };
}

function addLine(open: Case, source: string, line: number, place: string): void {
  const expectation = EXPECT.exec(source);
  const last = open.steps.at(-1);
  if (expectation !== null) {
    if (last === undefined) throw new Error(`${place}: expects output before anything was done`);
    const [, connections = "", sign, text = ""] = expectation;
    last.expectations.push({ connections: connections.split("|"), anyOrder: sign === "~", text, line });
    return;
  }
  const command = parseCommand(source, line);
  if (command === null) throw new Error(`${place}: not understood: ${source}`);
  if (command.kind === "signal") open.server = { ...open.server, exclusive: true };
  if (last === undefined || last.expectations.length > 0) {
    open.steps.push({ commands: [command], expectations: [] });
  } else {
    last.commands.push(command);
  }
}

function parseCommand(source: string, line: number): Command | null {
  const send = SEND.exec(source);
  if (send !== null) {
    const [, connection = "", sign, text = ""] = send;
    return { kind: "send", connection, text, byteByByte: sign === ">>", line };
  }
  const action = ACTION.exec(source);
  const known = ACTIONS.find((name) => name === action?.[2]);
  if (action !== null && known !== undefined) {
    return { kind: "action", connection: action[1] ?? "", action: known, line };
  }
  if (source === "! SIGUSR2") return { kind: "signal", signal: "SIGUSR2", line };
  return null;
}
