import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Order } from "./order.ts";

/** A server under test: it says its port first, then answers one line to each order. */
export class ServerProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  port = 0;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.pipe(process.stderr);
    child.stdin.on("error", () => {});
  }

  /** Starts it and waits until it listens. It ends when this process does: its standard input is ours. */
  static async start([command = "", ...args]: readonly string[]): Promise<ServerProcess> {
    const server = new ServerProcess(spawn(command, args));
    const { port } = (await server.#answer()) as { port: number };
    server.port = port;
    return server;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when the order is carried out. */
  async tell(order: Order): Promise<void> {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
    await this.#answer();
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.stdin.end();
    await exited;
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the server ended (${this.#child.spawnfile})`);
    return JSON.parse(value);
  }
}
