import type { TlsInput } from "../config/inputs.ts";
import type { OptionsInput } from "../config/options.ts";
import { parseGoFlags, type FlagKind, type FlagValue } from "./go-flags.ts";

/** What the command line asks for. */
export interface CommandLine {
  /** The options that were given as flags; they go before those of the file. */
  options: OptionsInput;
  configFile: string;
  /** `-t`: only check the file. */
  testConfig: boolean;
  /** `--dry-run`: only say what a server would run with. */
  dryRun: boolean;
  /** `--signal`: what to send to a running server; empty for none. */
  signal: string;
  version: boolean;
  help: boolean;
  helpTls: boolean;
  /** One line for each flag that belongs to a part that is not built yet. */
  unsupported: string[];
  /** What stands behind the flags. */
  words: readonly string[];
}

/** One flag: its names without dashes, what it takes, what help says and what it does. */
export interface Flag {
  readonly names: readonly string[];
  readonly kind: FlagKind;
  /** What help shows for the value; empty for a bool. */
  readonly placeholder: string;
  readonly help: string;
  readonly apply: (line: CommandLine, value: FlagValue, name: string) => void;
}

/** Flags under the heading help shows them with. */
export interface FlagGroup {
  readonly title: string;
  readonly flags: readonly Flag[];
}

const SIGNAL_HELP =
  "Send ldm, stop, quit, term, reopen or reload to a running server; <pid> is an id, a pid file or 12*";

/** The port `-p 0` means: 0 asks for a random one only where a server is embedded. */
const DEFAULT_PORT = 4222;

/**
 * Every flag of nats-server, and our own. They are applied in this order, whatever the order on the command
 * line: a combined flag such as `-DV=false` goes before `-D`, as in nats-server.
 */
export const FLAG_GROUPS: readonly FlagGroup[] = [
  {
    title: "Server options",
    flags: [
      text("a addr net", "<host>", "Host to listen on (default: 0.0.0.0)", (to, host) => (to.host = host)),
      int("p port", "<port>", "Port for clients, -1 for a random one (default: 4222)", (to, port) => {
        to.port = port === 0 ? DEFAULT_PORT : port;
      }),
      text(
        "n name server_name",
        "<name>",
        "Name of the server (default: its id)",
        (to, name) => (to.server_name = name),
      ),
      text("P pid", "<file>", "File to write the process id to", (to, file) => (to.pid_file = file)),
      int("m http_port", "<port>", "Port for monitoring over HTTP", (to, port) => (to.http_port = port)),
      int("ms https_port", "<port>", "Port for monitoring over HTTPS", (to, port) => (to.https_port = port)),
      command(
        "c config",
        "string",
        "<file>",
        "Configuration file",
        (line, file) => (line.configFile = String(file)),
      ),
      command(
        "t",
        "bool",
        "",
        "Check the configuration file and exit",
        (line, on) => (line.testConfig = on === true),
      ),
      command(
        "dry-run",
        "bool",
        "",
        "Say what a server would run with, and exit",
        (line, on) => (line.dryRun = on === true),
      ),
      command(
        "sl signal",
        "string",
        "<signal>[=<pid>]",
        SIGNAL_HELP,
        (line, what) => (line.signal = String(what)),
      ),
      text(
        "client_advertise",
        "<host:port>",
        "Address that clients are told",
        (to, url) => (to.client_advertise = url),
      ),
      text("ports_file_dir", "<dir>", "Folder for the ports file, <program>_<pid>.ports", (to, dir) => {
        to.ports_file_dir = dir;
      }),
    ],
  },
  {
    title: "Logging options",
    flags: [
      text("l log", "<file>", "File for log lines", (to, file) => (to.log_file = file)),
      bool("T logtime", "Time in log lines (default: true)", (to, on) => (to.logtime = on)),
      bool("logtime_utc", "Time in UTC instead of local time", (to, on) => (to.logtime_utc = on)),
      bool("s syslog", "Log to this machine's syslog", (to, on) => (to.syslog = on)),
      text(
        "r remote_syslog",
        "<url>",
        "Log to a syslog at udp://, tcp:// or unix://",
        (to, url) => (to.remote_syslog = url),
      ),
      bool("D debug", "Debug lines", (to, on) => (to.debug = on)),
      bool("V trace", "Trace lines: the protocol of clients", (to, on) => (to.trace = on)),
      bool("DV", "Debug and trace lines", (to, on) => (to.debug = to.trace = on)),
      bool("DVV", "Debug and trace lines, the system account's too", (to, on) => {
        to.debug = to.trace = to.trace_verbose = on;
      }),
      bool("VV", "Trace lines, the system account's too", (to, on) => (to.trace = to.trace_verbose = on)),
      int("log_size_limit", "<bytes>", "Size above which the log file is rotated", (to, bytes) => {
        to.logfile_size_limit = bytes;
      }),
      int(
        "max_traced_msg_len",
        "<bytes>",
        "How much of a payload a trace line shows (default: all)",
        (to, bytes) => {
          to.max_traced_msg_len = bytes;
        },
      ),
      text("log_format", "<text|json>", "Log lines as text or as JSON (default: text)", (to, format) => {
        if (format !== "text" && format !== "json")
          throw new Error(`--log_format is text or json, not ${JSON.stringify(format)}`);
        to.log_format = format;
      }),
    ],
  },
  {
    title: "JetStream options",
    flags: [
      bool("js jetstream", "Enable JetStream", (to, on) => {
        if (on) to.jetstream = true;
      }),
      text("sd store_dir", "<dir>", "Folder for JetStream's data", (to, folder) => {
        if (folder !== "") to.store_dir = folder;
      }),
    ],
  },
  {
    title: "Authorization options",
    flags: [
      text(
        "user",
        "<user>",
        "User that clients must give",
        (to, user) => (to.authorization = { ...to.authorization, user }),
      ),
      text("pass", "<password>", "Password that clients must give", (to, password) => {
        to.authorization = { ...to.authorization, password };
      }),
      text("auth", "<token>", "Token that clients must give", (to, token) => {
        to.authorization = { ...to.authorization, token };
      }),
    ],
  },
  {
    title: "TLS options",
    flags: [
      bool("tls", "Enable TLS; off goes before all others of these", (to, on) => {
        to.tls = on ? {} : false;
      }),
      text("tlscert", "<file>", "Certificate of the server", (to, file) => addTls(to, { cert_file: file })),
      text("tlskey", "<file>", "Private key of the server", (to, file) => addTls(to, { key_file: file })),
      bool("tlsverify", "Enable TLS and verify clients", (to, on) => addTls(to, { verify: on })),
      text("tlscacert", "<file>", "Certificate authority for clients", (to, file) => {
        addTls(to, { ca_file: file });
      }),
    ],
  },
  {
    title: "Cluster options",
    flags: [
      notBuilt("routes", "string", "<url, url>", "Servers of the cluster to connect to", "clustering"),
      notBuilt("cluster", "string", "<url>", "URL for routes from other servers", "clustering"),
      notBuilt("cluster_name", "string", "<name>", "Name of the cluster", "clustering"),
      notBuilt("no_advertise", "bool", "", "Do not tell clients about the cluster", "clustering"),
      notBuilt(
        "cluster_advertise",
        "string",
        "<host:port>",
        "Address that other servers are told",
        "clustering",
      ),
      notBuilt(
        "connect_retries",
        "int",
        "<count>",
        "Attempts to connect to a discovered server",
        "clustering",
      ),
      notBuilt("cluster_listen", "string", "<url>", "URL to listen on for routes", "clustering"),
    ],
  },
  {
    title: "Profiling options",
    flags: [notBuilt("profile", "int", "<port>", "Port for profiling over HTTP", "profiling")],
  },
  {
    title: "Common options",
    flags: [
      command("h help", "bool", "", "Show this text", (line, on) => (line.help = on === true)),
      command("v version", "bool", "", "Show the version", (line, on) => (line.version = on === true)),
      command("help_tls", "bool", "", "Show help on TLS", (line, on) => (line.helpTls = on === true)),
    ],
  },
];

/**
 * Reads the arguments of the program. `problem` is one line for stderr; nats-server shows help behind it.
 * Throws an `Error` for a value of one of our own flags that makes no sense.
 */
export function parseCommandLine(args: readonly string[]): CommandLine | { problem: string } {
  const flags = FLAG_GROUPS.flatMap((group) => group.flags);
  const byName = new Map(flags.flatMap((flag) => flag.names.map((name) => [name, flag] as const)));
  const parsed = parseGoFlags(args, (name) => byName.get(name)?.kind);
  if ("problem" in parsed) return parsed;
  const line: CommandLine = {
    options: {},
    configFile: "",
    testConfig: false,
    dryRun: false,
    signal: "",
    version: false,
    help: false,
    helpTls: false,
    unsupported: [],
    words: parsed.words,
  };
  for (const flag of flags) {
    const given = parsed.flags.findLast(({ name }) => flag.names.includes(name));
    if (given !== undefined) flag.apply(line, given.value, given.name);
  }
  return line;
}

/** Dashes in front of a flag's name as help writes them: one before letters that abbreviate. */
export function dashed(name: string): string {
  return name.length <= 2 || name === "DVV" ? `-${name}` : `--${name}`;
}

function text(
  names: string,
  placeholder: string,
  help: string,
  apply: (to: OptionsInput, value: string) => void,
): Flag {
  return command(names, "string", placeholder, help, (line, value) => apply(line.options, String(value)));
}

function int(
  names: string,
  placeholder: string,
  help: string,
  apply: (to: OptionsInput, value: number) => void,
): Flag {
  return command(names, "int", placeholder, help, (line, value) => apply(line.options, Number(value)));
}

function bool(names: string, help: string, apply: (to: OptionsInput, value: boolean) => void): Flag {
  return command(names, "bool", "", help, (line, value) => apply(line.options, value === true));
}

/** Adds to the TLS that flags ask for, unless they switched it off. */
function addTls(to: OptionsInput, more: TlsInput): void {
  if (to.tls !== false) to.tls = { ...to.tls, ...more };
}

/** A flag of a part that is not built yet. A value that switches the part off is all right. */
function notBuilt(names: string, kind: FlagKind, placeholder: string, help: string, part: string): Flag {
  return command(names, kind, placeholder, `${help} (not supported yet)`, (line, value, name) => {
    const off = value === false || value === 0 || value === "";
    if (!off) line.unsupported.push(`${dashed(name)} is not supported yet: ${part}`);
  });
}

function command(
  names: string,
  kind: FlagKind,
  placeholder: string,
  help: string,
  apply: Flag["apply"],
): Flag {
  return { names: names.split(" "), kind, placeholder, help, apply };
}
