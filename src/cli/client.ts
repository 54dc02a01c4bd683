import { randomUUID } from "node:crypto";
import { Agent, type IncomingMessage, type RequestOptions, request } from "node:http";
import type { ErrorAnswer, Page, ProblemObject } from "../http/contract.ts";
import { CommandFailure, EXIT, type ExitCode, usage } from "./failure.ts";

const PATIENCE_MS = 30_000;
const PAGE_LIMIT = 1_000;

export interface Sending {
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds without a byte before the server counts as gone. */
  readonly patienceMs?: number;
}

export interface Received {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** Talks to one control plane. */
export interface Client {
  /** The address as it was given. */
  readonly address: string;
  /** The object at a path. @throws CommandFailure for what the server refuses, and where it does not answer */
  get<T>(path: string, sending?: Sending): Promise<T>;
  /** A mutation; it carries a key of its own, so that repeating it does it once. */
  post<T>(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<T>;
  /** Every item of a list. */
  all<T>(path: string): Promise<T[]>;
  /** Whatever the server answers. @throws CommandFailure where it does not */
  send(method: string, path: string, sending?: Sending): Promise<Received>;
  close(): void;
}

/**
 * @param address `http://HOST:PORT`, `HOST:PORT` or `unix:PATH`
 * @throws CommandFailure (usage) for what is no address
 */
export function createClient(address: string): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const target = { ...targetOf(address), agent };
  const send: Client["send"] = (method, path, sending = {}) => exchange(target, address, { ...sending, method, path });
  const client: Client = {
    address,
    send,
    async get(path, sending) {
      return answerOf(address, await send("GET", path, sending));
    },
    async post(path, body, headers = {}) {
      const keyed = { "idempotency-key": randomUUID(), ...headers };
      return answerOf(address, await send("POST", path, { body, headers: keyed }));
    },
    async all(path) {
      const items: unknown[] = [];
      let after: string | undefined;
      do {
        const next = after === undefined ? "" : `&after=${encodeURIComponent(after)}`;
        const separator = path.includes("?") ? "&" : "?";
        const page: Page<unknown> = await client.get(`${path}${separator}limit=${PAGE_LIMIT}${next}`);
        items.push(...page.items);
        after = page.next;
      } while (after !== undefined);
      return items as never;
    },
    close: () => agent.destroy(),
  };
  return client;
}

function targetOf(address: string): RequestOptions {
  if (address.startsWith("unix:") && address.length > "unix:".length) {
    return { socketPath: address.slice("unix:".length), headers: { host: "localhost" } };
  }
  const text = /^[a-z]+:\/\//i.test(address) ? address : `http://${address}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    address.startsWith("unix:") ||
    url.protocol !== "http:" ||
    url.pathname !== "/" ||
    url.search !== "" ||
    url.hostname === ""
  ) {
    throw usage(
      `"${address}" is not the address of a control plane; write http://127.0.0.1:7070 or unix:/run/belay.sock`,
    );
  }
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { hostname, port: url.port === "" ? 80 : url.port };
}

interface Outgoing extends Sending {
  readonly method: string;
  readonly path: string;
}

async function exchange(target: RequestOptions, address: string, outgoing: Outgoing): Promise<Received> {
  try {
    return await once(target, outgoing);
  } catch (error) {
    // A kept connection that the server has just closed says nothing about the server; keys make repeating harmless.
    if (!isHangUp(error)) throw unreachable(address, error);
  }
  try {
    return await once(target, outgoing);
  } catch (error) {
    throw unreachable(address, error);
  }
}

function once(
  target: RequestOptions,
  { method, path, body, headers, patienceMs = PATIENCE_MS }: Outgoing,
): Promise<Received> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const type =
    text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const options = { ...target, method, path, headers: { ...(target.headers as object), ...headers, ...type } };
    const outgoing = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode = 0, headers: received } = response;
        resolve({ status: statusCode, headers: received, text: Buffer.concat(chunks).toString("utf8") });
      });
    });
    outgoing.setTimeout(patienceMs, () => outgoing.destroy(new Error(`no answer for ${patienceMs / 1000} s`)));
    outgoing.on("error", reject);
    outgoing.end(text);
  });
}

function isHangUp(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNRESET" || code === "EPIPE";
}

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOENT: "there is no such socket",
  ENOTFOUND: "that name is not known",
  EAI_AGAIN: "that name cannot be looked up now",
  EACCES: "this user may not open it",
  ECONNRESET: "the connection was cut",
};

function unreachable(address: string, error: unknown): CommandFailure {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const cause = CAUSES[code] ?? (error instanceof Error && error.message !== "" ? error.message : code);
  const message = `the control plane at ${address} cannot be reached: ${cause}`;
  const check =
    "Is `belay serve` running there? Another address: --server URL, or BELAY_SERVER. Traffic goes on without it.";
  const document = { error: { code: "unreachable", message } };
  return new CommandFailure(EXIT.unreachable, message, { document, lines: [message, check] });
}

function answerOf<T>(address: string, { status, text }: Received): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CommandFailure(EXIT.unreachable, `what answers at ${address} is not Belay (HTTP ${status})`);
  }
  if (status < 400) return value as T;
  throw refused(status, value);
}

/** As `docs/errors.md` has it. */
const EXITS: Readonly<Record<string, ExitCode>> = {
  invalid: EXIT.usage,
  "not-found": EXIT.usage,
  conflict: EXIT.conflict,
  "nothing-to-do-back": EXIT.conflict,
  stale: EXIT.conflict,
  "not-ready": EXIT.unreachable,
  "store-failed": EXIT.failed,
  internal: EXIT.failed,
};

function refused(status: number, value: unknown): CommandFailure {
  const { error, problems } = (typeof value === "object" && value !== null ? value : {}) as Partial<ErrorAnswer>;
  const message = error?.message ?? `the control plane answered HTTP ${status}`;
  const exit = EXITS[error?.code ?? ""] ?? (status < 500 ? EXIT.usage : EXIT.failed);
  const document = error === undefined ? { error: { code: "http", message } } : value;
  if (problems === undefined || problems.length === 0) return new CommandFailure(exit, message, { document });
  return new CommandFailure(exit, message, { document, lines: problems.map(problemLine) });
}

/** `FILE:LINE:COL: message (hint)`, or with the path where there is no file. */
export function problemLine({ path, message, hint, file, line, column }: ProblemObject): string {
  const place = file === undefined ? path : [file, line, column].filter((part) => part !== undefined).join(":");
  return `${place}: ${message}${hint === undefined ? "" : ` (${hint})`}`;
}
