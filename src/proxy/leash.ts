import { type ChildProcess, spawn } from "node:child_process";

/**
 * Reads `+ PID` and `- PID`; when its standard input ends, whatever ended the process at the other side of the pipe,
 * SIGKILL included, it kills the pids that are left.
 */
const SCRIPT = `trap '' INT HUP TERM
pids=
while read -r op pid; do
  if [ "$op" = + ]; then pids="$pids $pid"
  else rest=; for p in $pids; do [ "$p" = "$pid" ] || rest="$rest $p"; done; pids=$rest
  fi
done
for p in $pids; do kill -KILL "$p" 2>/dev/null; done`;

const held = new Set<number>();
let holder: ChildProcess | undefined;

/**
 * Ties a child's life to ours: it is killed when this process ends, however that comes about. One small shell holds all
 * leashes of a process. It is in a session of its own, so that a Ctrl-C in the terminal does not reach it.
 */
export function leash(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  held.add(pid);
  if (holder === undefined) hold();
  else tell(`+ ${pid}\n`);
  child.once("exit", () => {
    held.delete(pid);
    tell(`- ${pid}\n`);
  });
}

function hold(): void {
  const shell = spawn("sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  holder = shell;
  shell.unref();
  shell.stdin.on("error", () => {});
  if ("unref" in shell.stdin && typeof shell.stdin.unref === "function") shell.stdin.unref();
  shell.once("error", () => {});
  shell.once("exit", () => {
    holder = undefined;
    if (held.size > 0) hold();
  });
  for (const pid of held) tell(`+ ${pid}\n`);
}

function tell(line: string): void {
  holder?.stdin?.write(line);
}
