import { runCli } from "../../src/cli/run.ts";

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON: exactly one document. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Typed {
  readonly env?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
  /** What a person answers when asked. */
  readonly answers?: readonly string[];
  readonly stdin?: string;
  /** Is handed what makes Ctrl-C happen. */
  readonly interrupt?: (press: () => void) => void;
  /** Sees each message as it is written. */
  readonly onStderr?: (text: string) => void;
}

/** Runs a command line in this process, as the terminal would see it. */
export async function belay(server: string, argv: readonly string[], typed: Typed = {}): Promise<Ran> {
  let stdout = "";
  let stderr = "";
  const answers = [...(typed.answers ?? [])];
  const isTTY = typed.isTTY ?? false;
  const exit = await runCli(argv, {
    stdout: { isTTY, write: (text) => void (stdout += text) },
    stderr: {
      isTTY,
      write(text) {
        stderr += text;
        typed.onStderr?.(text);
      },
    },
    stdin: {
      isTTY,
      read: async (limit) => ((typed.stdin ?? "").length > limit ? undefined : (typed.stdin ?? "")),
      async ask(question) {
        stderr += question;
        return answers.shift() ?? "";
      },
    },
    env: { BELAY_SERVER: server, ...typed.env },
    user: "ana@desk",
    onInterrupt(listener) {
      typed.interrupt?.(listener);
      return () => {};
    },
  });
  return {
    exit,
    stdout,
    stderr,
    get json() {
      return JSON.parse(stdout) as Record<string, unknown>;
    },
  };
}
