import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { connect as connectHttp2, constants } from "node:http2";
import { connect as connectTcp } from "node:net";
import type { Dialect } from "../xds/wire.ts";
import { encodeNode, encodeRequest, MessageCutter } from "../xds/wire.ts";
import type { Random } from "./random.ts";
import { CLUSTER, fetchPathOf, pathOf, readAnswer, TYPES } from "./wire.ts";

/** Clients that come, do one thing, and go. */
export interface Churn {
  readonly port: number;
  readonly random: Random;
  readonly groups: readonly string[];
  readonly large: string;
}

/** A client that comes and goes: resolves once it is gone. */
type Passer = (churn: Churn, id: string) => Promise<void>;

/** What each kind of client does, and how often it comes among a hundred. */
export const PASSERS: Readonly<Record<string, { readonly often: number; readonly pass: Passer }>> = {
  "acknowledges for a while, then resets its stream": { often: 22, pass: (churn, id) => stay(churn, id, "reset") },
  "acknowledges for a while, then ends it as it should": { often: 10, pass: (churn, id) => stay(churn, id, "end") },
  "acknowledges for a while, then its connection breaks": { often: 14, pass: (churn, id) => stay(churn, id, "break") },
  "refuses whatever it is sent": { often: 12, pass: (churn, id) => stay(churn, id, "reset", "the soak refuses this") },
  "goes in the middle of a response": { often: 8, pass: (churn, id) => leaveMidway(churn, id) },
  "goes in the middle of a request": { often: 6, pass: (churn, id) => stopMidway(churn, id) },
  "reads slowly": { often: 5, pass: (churn, id) => crawl(churn, id) },
  "never reads": { often: 3, pass: (churn, id) => ignore(churn, id) },
  "opens a connection and says nothing": { often: 3, pass: (churn) => keepSilent(churn) },
  "sends what is no request": { often: 5, pass: (churn, id) => babble(churn, id) },
  polls: { often: 6, pass: (churn, id) => poll(churn, id) },
  "opens and resets twenty streams at once": { often: 3, pass: (churn) => flicker(churn) },
  "reports its load and its metrics": { often: 3, pass: (churn, id) => report(churn, id) },
};

const SHORT_MS = 3_000;
const LONG_MS = 6_000;
const POLL_MS = 200;
const TELEMETRY = [
  "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats",
  "/envoy.service.metrics.v3.MetricsService/StreamMetrics",
  "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs",
  "/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus",
];

function open({ port }: Churn, options: object = {}): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${port}`, options);
  session.on("error", () => {});
  return session;
}

function call(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request(headers, { endStream: false });
  stream.on("error", () => {});
  return stream;
}

/** Ends after so long, or sooner where the other side does; the connection is gone then. */
function gone(session: ClientHttp2Session, afterMs: number, last: () => void = () => {}): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      last();
      setTimeout(() => session.destroy(), 20);
    }, afterMs);
    session.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Which service and dialect a client speaks. */
function speech({ random }: Churn): { dialect: Dialect; typeUrl: string; path: string } {
  const dialect = random.pick(["sotw", "delta"] as const);
  const typeUrl = random.pick(TYPES);
  return { dialect, typeUrl, path: pathOf(dialect, random.next() < 0.5 ? typeUrl : undefined) };
}

async function stay(churn: Churn, id: string, how: "reset" | "end" | "break", refusal?: string): Promise<void> {
  const { random } = churn;
  const session = open(churn);
  const stream = begin(churn, session, id, refusal);
  await gone(session, random.below(SHORT_MS), () => {
    if (how === "reset") stream.close(constants.NGHTTP2_CANCEL);
    else if (how === "end") stream.end();
    else session.destroy();
  });
}

/** A stream that asks for a type and answers what it is sent. */
function begin(churn: Churn, session: ClientHttp2Session, id: string, refusal?: string): ClientHttp2Stream {
  const { dialect, typeUrl, path } = speech(churn);
  const stream = call(session, path);
  const names = typeUrl === CLUSTER ? {} : { names: Buffer.concat(["service-1", "listener-1", id].map(named)) };
  const cutter = new MessageCutter((message) => {
    const { version, nonce } = readAnswer(dialect, message);
    const answer = { typeUrl, version: refusal === undefined ? version : "", nonce };
    const again = dialect === "sotw" ? names : {};
    if (stream.writable)
      stream.write(encodeRequest(dialect, { ...answer, ...again, ...(refusal !== undefined && { refusal }) }));
  });
  stream.on("data", (chunk: Buffer) => cutter.push(chunk));
  stream.write(encodeRequest(dialect, { node: encodeNode(id, churn.random.pick(churn.groups)), typeUrl, ...names }));
  return stream;
}

function named(name: string): Buffer {
  return Buffer.concat([Buffer.from([26, name.length]), Buffer.from(name)]);
}

/** Asks for far more than its window takes. */
function askForMuch(churn: Churn, id: string, window: number): [ClientHttp2Session, ClientHttp2Stream] {
  const dialect = churn.random.pick(["sotw", "delta"] as const);
  const session = open(churn, { settings: { initialWindowSize: window, enablePush: false } });
  const stream = call(session, pathOf(dialect));
  stream.write(encodeRequest(dialect, { node: encodeNode(id, churn.large), typeUrl: CLUSTER }));
  return [session, stream];
}

async function leaveMidway(churn: Churn, id: string): Promise<void> {
  const [session, stream] = askForMuch(churn, id, 65_535);
  const isRude = churn.random.next() < 0.5;
  stream.once("data", () => (isRude ? session.destroy() : stream.close(constants.NGHTTP2_CANCEL)));
  await gone(session, SHORT_MS);
}

async function crawl(churn: Churn, id: string): Promise<void> {
  const [session, stream] = askForMuch(churn, id, 65_535);
  stream.on("data", () => {
    stream.pause();
    setTimeout(() => stream.resume(), 20);
  });
  await gone(session, LONG_MS);
}

async function ignore(churn: Churn, id: string): Promise<void> {
  const [session] = askForMuch(churn, id, 1_000);
  await gone(session, LONG_MS);
}

async function stopMidway(churn: Churn, id: string): Promise<void> {
  const session = open(churn);
  const { dialect, typeUrl, path } = speech(churn);
  const stream = call(session, path);
  const request = encodeRequest(dialect, { node: encodeNode(id, churn.random.pick(churn.groups)), typeUrl });
  stream.write(request.subarray(0, 1 + churn.random.below(request.length - 1)));
  await gone(session, churn.random.below(SHORT_MS), () => stream.close(constants.NGHTTP2_CANCEL));
}

async function keepSilent(churn: Churn): Promise<void> {
  const socket = connectTcp(churn.port, "127.0.0.1");
  socket.on("error", () => {});
  await new Promise<void>((resolve) => {
    setTimeout(() => socket.destroy(), LONG_MS);
    socket.once("close", () => resolve());
  });
}

async function babble(churn: Churn, id: string): Promise<void> {
  const session = open(churn);
  const { dialect, typeUrl, path } = speech(churn);
  const stream = call(session, path);
  const request = encodeRequest(dialect, { node: encodeNode(id, "soak"), typeUrl });
  // Behind the node: every id that is made up is remembered, up to a bound that a soak does not reach.
  const from = request.indexOf(typeUrl);
  for (let n = 0; n < 4; n += 1) request[from + churn.random.below(request.length - from)] = churn.random.below(256);
  stream.resume();
  stream.end(request);
  await gone(session, churn.random.below(SHORT_MS));
}

/** Three times, so that it is known how soon it would come again. */
async function poll(churn: Churn, id: string): Promise<void> {
  const session = open(churn);
  const node = encodeNode(`${id}-polls`, churn.random.pick(churn.groups));
  for (let n = 0; n < 3; n += 1) {
    setTimeout(() => {
      if (session.destroyed) return;
      call(session, fetchPathOf(CLUSTER))
        .resume()
        .end(encodeRequest("sotw", { node, typeUrl: CLUSTER }));
    }, n * POLL_MS);
  }
  await gone(session, SHORT_MS);
}

async function flicker(churn: Churn): Promise<void> {
  const session = open(churn);
  for (let n = 0; n < 20; n += 1) begin(churn, session, `flicker-${n}`).close(constants.NGHTTP2_CANCEL);
  await gone(session, churn.random.below(SHORT_MS));
}

async function report(churn: Churn, id: string): Promise<void> {
  const session = open(churn);
  // Few ids: what nodes report is kept for minutes.
  const node = encodeNode(`reporter-${churn.random.below(50)}`, id);
  for (const path of TELEMETRY) {
    const stream = call(session, path);
    stream.resume();
    stream.write(encodeRequest("delta", { node, typeUrl: "" }));
  }
  await gone(session, churn.random.below(SHORT_MS));
}
