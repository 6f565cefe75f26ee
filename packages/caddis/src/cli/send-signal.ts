import { findProcesses, readPidFile, sendSignalTo } from "../io/node/process-control.ts";

/** What `--signal` may ask a running server for, and the signal that asks for it. */
const COMMANDS: ReadonlyMap<string, NodeJS.Signals> = new Map([
  ["stop", "SIGKILL"],
  ["quit", "SIGINT"],
  ["term", "SIGTERM"],
  ["reopen", "SIGUSR1"],
  ["reload", "SIGHUP"],
  ["ldm", "SIGUSR2"],
]);

/** The largest number a process id can be. */
const PID_MAX = 0x7fff_ffff;

/**
 * Does `--signal <command>[=<target>]`. The target is a process id, a pid file or the start of an id and
 * `*`; without one it is the only running server called `exe`. Returns null, or what went wrong, in the
 * words of nats-server.
 */
export function sendSignal(exe: string, request: string): string | null {
  const [command, target = "", ...surplus] = request.split("=");
  if (surplus.length > 0) return `invalid signal parameters: [${surplus.join(" ")}]`;
  const pids = resolveTarget(exe, target);
  if (typeof pids === "string") return pids;
  const signal = COMMANDS.get(command);
  if (signal === undefined) return `unknown signal ${JSON.stringify(command)}`;
  let problems = "";
  for (const pid of pids) {
    const refusal = sendSignalTo(pid, signal);
    if (refusal !== null) problems += `\nsignal ${JSON.stringify(command)} ${pid}: ${refusal}`;
  }
  return problems === "" ? null : problems;
}

function resolveTarget(exe: string, target: string): number[] | string {
  if (/^[0-9]+$/.test(target)) return checkPid(target);
  if (/^[0-9]*\*$/.test(target)) {
    const start = target.slice(0, -1);
    const pids = findProcesses(exe).filter((pid) => String(pid).startsWith(start));
    return pids.length > 0 ? pids : `no ${exe} processes running`;
  }
  if (target !== "") {
    const written = readPidFile(target);
    // An empty pid file must not mean "any server".
    return written === null || written === "" ? `invalid pid: ${target}` : checkPid(written);
  }
  const pids = findProcesses(exe);
  if (pids.length === 0) return `no ${exe} processes running`;
  if (pids.length > 1) return `multiple ${exe} processes running:\n${pids.join("\n")}`;
  return pids;
}

/** Zero and negative numbers are refused: to the system they mean groups of processes, or all of them. */
function checkPid(text: string): number[] | string {
  const pid = Number(text);
  return /^[0-9]+$/.test(text) && pid > 0 && pid <= PID_MAX ? [pid] : `invalid pid: ${text}`;
}
