import { createInterface } from "node:readline/promises";

export interface Out {
  write(text: string): void;
  readonly isTTY: boolean;
}

/** Everything that a command knows of the outside. */
export interface Io {
  readonly stdout: Out;
  readonly stderr: Out;
  readonly stdin: {
    readonly isTTY: boolean;
    /** All of it, at most `limit` bytes; undefined where there is more. */
    read(limit: number): Promise<string | undefined>;
    /** One line that a person types; the question is shown on standard error. */
    ask(question: string): Promise<string>;
  };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Who runs the command, for the journal. */
  readonly user: string;
  /** Calls back at the first Ctrl-C or SIGTERM, instead of dying of it, until it is undone. */
  onInterrupt(listener: () => void): () => void;
}

/**
 * The terminal that this process runs in.
 *
 * @param user who runs it
 */
export function terminalIo(user: string): Io {
  const out = (stream: NodeJS.WriteStream): Out => {
    // A reader that goes away (`belay … | head`) wants no more, and no complaint.
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
    return { write: (text) => void stream.write(text), isTTY: stream.isTTY === true };
  };
  return {
    stdout: out(process.stdout),
    stderr: out(process.stderr),
    stdin: { isTTY: process.stdin.isTTY === true, read: readInput, ask: askLine },
    env: process.env,
    user,
    onInterrupt(listener) {
      process.once("SIGINT", listener);
      process.once("SIGTERM", listener);
      return () => {
        process.off("SIGINT", listener);
        process.off("SIGTERM", listener);
      };
    },
  };
}

async function readInput(limit: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > limit) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function askLine(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-D is an answer too: no.
  const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return await Promise.race([lines.question(question), closed]);
  } finally {
    lines.close();
  }
}
