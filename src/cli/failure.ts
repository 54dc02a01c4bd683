/** What an exit code means; scripts rely on them. */
export const EXIT = { done: 0, failed: 1, usage: 2, waiting: 3, conflict: 4, unreachable: 5 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Why a command ends without having done what it was told. Thrown by commands, shown by `runCli`. */
export class CommandFailure extends Error {
  readonly exit: ExitCode;
  /** What `-o json` prints. */
  readonly document: unknown;
  /** One a line on standard error; the message alone where it is empty. */
  readonly lines: readonly string[];

  constructor(exit: ExitCode, message: string, details: { document?: unknown; lines?: readonly string[] } = {}) {
    super(message);
    this.name = "CommandFailure";
    this.exit = exit;
    this.document = details.document ?? { error: { code: CODES[exit], message } };
    this.lines = details.lines ?? [message];
  }
}

const CODES: Readonly<Record<ExitCode, string>> = {
  0: "done",
  1: "failed",
  2: "usage",
  3: "waiting",
  4: "conflict",
  5: "unreachable",
};

/** A command line that says something impossible. */
export function usage(message: string): CommandFailure {
  return new CommandFailure(EXIT.usage, message);
}
