import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import type { ServiceError } from "@grpc/grpc-js";
import { addAdminServicesToServer, Client, credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { register } from "@grpc/grpc-js-xds";
import type { Calls, Order, Tally } from "./order.ts";

// A gRPC client in a process of its own, told over standard input what to call. Nothing of Belay is in it: where to ask
// for its configuration it reads from GRPC_XDS_BOOTSTRAP_CONFIG, as every gRPC client does.

/** Of steady calls: the machine is for others too. */
const LOAD_PAUSE_MS = 5;
const MISSING_AFTER_MS = 15_000;

/** How long gRPC waits before it takes a resource for missing cannot be set, so its timer, and only that, is made short. */
function shortenTheWait(toMs: number): void {
  const original = globalThis.setTimeout;
  const shortened = (work: () => void, ms?: number): NodeJS.Timeout =>
    original(work, ms === MISSING_AFTER_MS ? toMs : ms);
  globalThis.setTimeout = Object.assign(shortened, original);
}

const clients = new Map<string, Client>();

function clientOf(target: string): Client {
  const client = clients.get(target) ?? new Client(target, credentials.createInsecure());
  clients.set(target, client);
  return client;
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** One call; what came of it is counted. */
function call({ target, method }: Calls, count: (how: keyof Tally, what: string) => void): Promise<void> {
  return new Promise((resolve) => {
    const done = (error: ServiceError | null, answer?: Buffer): void => {
      if (error === null) count("answers", String(answer));
      else count("failures", `${error.code} ${error.details}`);
      resolve();
    };
    clientOf(target).makeUnaryRequest(`/test.Backend/${method}`, asIs, asIs, Buffer.alloc(0), done);
  });
}

/** Calls in several lanes at once, with a pause after each, until it is over. */
async function callInLanes(calls: Calls, pauseMs: number, isOver: (begun: number) => boolean): Promise<Tally> {
  const tally: { [K in keyof Tally]: Record<string, number> } = { answers: {}, failures: {} };
  const count = (how: keyof Tally, what: string): void => {
    tally[how][what] = (tally[how][what] ?? 0) + 1;
  };
  let begun = 0;
  const lane = async (): Promise<void> => {
    while (!isOver(begun)) {
      begun += 1;
      await call(calls, count);
      if (pauseMs > 0) await pause(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: calls.lanes }, lane));
  return tally;
}

let isStopped = false;
let load: Promise<Tally> | undefined;

async function carryOut(order: Order): Promise<Tally | undefined> {
  if (order.kind === "calls") return callInLanes(order, 0, (begun) => begun >= order.count);
  isStopped = order.kind === "stop";
  if (order.kind === "stop") return load;
  load = callInLanes(order, LOAD_PAUSE_MS, () => isStopped);
  return undefined;
}

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

shortenTheWait(Number(process.env["MISSING_AFTER_MS"] ?? MISSING_AFTER_MS));
register();
const admin = new Server();
addAdminServicesToServer(admin);
admin.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  say({ port });
});
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { id, order } = JSON.parse(line) as { id: number; order: Order };
    void carryOut(order).then((tally) => say({ id, tally }));
  })
  .on("close", () => process.exit(0));
