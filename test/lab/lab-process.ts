import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BELAY = fileURLToPath(new URL("../../bin/belay", import.meta.url));

/** A command of Belay that runs, with all that it has printed. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with the first match; rejects when it has ended without, or after `withinMs`. */
  readonly prints: (pattern: RegExp, withinMs?: number) => Promise<RegExpExecArray>;
  /** The exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

export function startBelay(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  return watch(
    spawn(process.execPath, [BELAY, ...args], { cwd: ROOT, stdio: "pipe", env: { ...process.env, ...env } }),
  );
}

/** The same on a terminal of its own of 80 by 24, whose other side is `stdin` and `stdout`. */
export function startOnTerminal(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const command = [process.execPath, BELAY, ...args];
  const python = ["-c", PTY, ...command];
  return watch(
    spawn("python3", python, { cwd: ROOT, stdio: "pipe", env: { ...process.env, TERM: "xterm-256color", ...env } }),
  );
}

const PTY = `
import fcntl, os, pty, struct, sys, termios
def read(fd):
    return os.read(fd, 65536)
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
pty._copy(fd, read, lambda fd: os.read(fd, 1024))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

function watch(child: ChildProcess): Running {
  const out = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  const note = (stream: "stdout" | "stderr") => (chunk: Buffer) => {
    out[stream] += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout?.on("data", note("stdout"));
  child.stderr?.on("data", note("stderr"));
  const ended = new Promise<number | string>((resolve) => {
    child.once("close", (code, signal) => resolve(code ?? signal ?? -1));
  });
  return {
    child,
    pid: child.pid ?? 0,
    stdout: () => out.stdout,
    stderr: () => out.stderr,
    ended,
    prints: (pattern, withinMs = 30_000) =>
      new Promise((resolve, reject) => {
        const settle = (): void => {
          clearTimeout(timer);
          listeners.delete(look);
        };
        const fail = (why: string): void => {
          settle();
          reject(new Error(`${why} without printing ${pattern}: ${out.stdout}\n${out.stderr}`));
        };
        const look = (): void => {
          const match = pattern.exec(out.stdout);
          if (match === null) return;
          settle();
          resolve(match);
        };
        const timer = setTimeout(() => fail(`${withinMs} ms went by`), withinMs);
        listeners.add(look);
        void ended.then((how) => fail(`it ended (${how})`));
        look();
      }),
  };
}
