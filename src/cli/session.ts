import { styleText } from "node:util";
import { type Client, createClient } from "./client.ts";
import type { Io, Out } from "./io.ts";
import { printable } from "./printable.ts";

const DEFAULT_SERVER = "http://127.0.0.1:7070";

/** Options that every command has. */
export interface GlobalOptions {
  readonly server?: string;
  readonly output?: "json" | "text";
}

type Tone = "good" | "wait" | "bad" | "dim";
const COLOURS = { good: "green", wait: "yellow", bad: "red", dim: "gray" } as const;

/** One run of one command. */
export interface Session {
  readonly io: Io;
  readonly wantsJson: boolean;
  readonly server: string;
  /** A client of that server; closed when the command ends. */
  client(): Client;
  /** The result: the object with `-o json`, else the text. Called once. */
  result(document: unknown, text: string): void;
  /** A message, on standard error. */
  say(text: string): void;
  /** Text in a colour where standard output is a terminal that takes it. */
  tint(tone: Tone, text: string): string;
  close(): void;
}

/** @throws CommandFailure (usage) for a server address that is none */
export function createSession(io: Io, options: GlobalOptions): Session {
  const given = options.server ?? (io.env["BELAY_SERVER"] === "" ? undefined : io.env["BELAY_SERVER"]);
  const server = given ?? DEFAULT_SERVER;
  const clients: Client[] = [];
  return {
    io,
    wantsJson: options.output === "json",
    server,
    client() {
      const [known] = clients;
      if (known !== undefined) return known;
      const client = createClient(server);
      clients.push(client);
      return client;
    },
    result(document, text) {
      io.stdout.write(options.output === "json" ? `${JSON.stringify(document, undefined, 2)}\n` : text);
    },
    say: (text) => io.stderr.write(`${printable(text.trimEnd())}\n`),
    tint: (tone, text) =>
      takesColour(io.stdout, io) ? styleText(COLOURS[tone], text, { validateStream: false }) : text,
    close: () => clients.forEach((client) => client.close()),
  };
}

function takesColour(out: Out, { env }: Io): boolean {
  return out.isTTY && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}
