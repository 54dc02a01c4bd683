import { afterEach, beforeEach, expect, test } from "vitest";
import { Telemetry, type TelemetryKind, type TelemetryStream } from "../../src/control/telemetry.ts";
import { telemetryRoutes } from "../../src/grpc/telemetry.ts";
import { type Edge, nodeOf, startEdge } from "./edge.ts";
import { frame, RawClient } from "./raw-call.ts";
import { ServiceClient } from "./service-client.ts";

const METRICS = ["envoy/service/metrics/v3/metrics_service.proto", "envoy.service.metrics.v3.MetricsService"] as const;
const LOGS = ["envoy/service/accesslog/v3/als.proto", "envoy.service.accesslog.v3.AccessLogService"] as const;

/** Says when the first message has been counted. */
class Watched extends Telemetry {
  #onReceived: () => void = () => {};
  readonly received = new Promise<void>((resolve) => {
    this.#onReceived = resolve;
  });

  override open(kind: TelemetryKind): TelemetryStream {
    const stream = super.open(kind);
    const received = (bytes: number, entries: number | undefined): void => {
      stream.received(bytes, entries);
      this.#onReceived();
    };
    return { ...stream, received };
  }
}

let counted: Watched;
let edge: Edge;
const clients: { close(): void }[] = [];

beforeEach(async () => {
  counted = new Watched();
  edge = await startEdge(undefined, () => telemetryRoutes(counted));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await edge.close();
});

function client([file, service]: readonly [string, string]): ServiceClient {
  const made = new ServiceClient(edge.port, file, service);
  clients.push(made);
  return made;
}

test("metrics are taken and counted, and the end is answered as the API has it", async () => {
  const stream = client(METRICS).stream("StreamMetrics");
  stream.send({ identifier: { node: nodeOf("n1") }, envoyMetrics: [Buffer.from("a"), Buffer.from("b")] });
  stream.send({ envoyMetrics: [Buffer.from("c")] });
  stream.finish();
  expect(await stream.next()).toEqual({});
  expect(await stream.ended).toMatchObject({ code: 0 });
  expect(counted.counts("metrics")).toMatchObject({ open: 0, messages: 2, entries: 3, unreadable: 0 });
  expect(counted.counts("access-log").messages).toBe(0);
  expect(counted.sources()).toEqual([]);
});

test("access logs are counted by request, over HTTP and TCP", async () => {
  const stream = client(LOGS).stream("StreamAccessLogs");
  const identifier = { node: nodeOf("n1"), logName: "edge" };
  stream.send({ identifier, httpLogs: { logEntry: [Buffer.from("a"), Buffer.from("b")] } });
  stream.send({ tcpLogs: { logEntry: [Buffer.from("c")] } });
  stream.finish();
  expect(await stream.next()).toEqual({});
  expect(counted.counts("access-log")).toMatchObject({ messages: 2, entries: 3, unreadable: 0 });
});

test("who sends is known while it does", async () => {
  const stream = client(LOGS).stream("StreamAccessLogs");
  stream.send({ identifier: { node: nodeOf("n1"), logName: "edge" } });
  await counted.received;
  expect(counted.sources()).toEqual([{ kind: "access-log", nodeId: "n1", log: "edge" }]);
  expect(counted.counts("access-log").open).toBe(1);
});

test("what cannot be read is counted and is no error to the client", async () => {
  const raw = new RawClient(edge.port);
  clients.push(raw);
  const call = raw.call("/envoy.service.metrics.v3.MetricsService/StreamMetrics");
  const broken = [Buffer.from([0x0a, 0x7f]), Buffer.from([0xff]), Buffer.from("no metrics")];
  call.write(...broken.map((bytes) => frame(bytes)), frame(Buffer.from([0x12, 1, 0x61])));
  call.stream.end();
  const { status, messages } = await call.ended;
  expect({ status, messages }).toEqual({ status: "0", messages: [Buffer.alloc(0)] });
  expect(counted.counts("metrics")).toMatchObject({ open: 0, messages: 4, entries: 1, unreadable: 3 });
});
