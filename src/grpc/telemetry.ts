import type { Telemetry, TelemetryKind } from "../control/telemetry.ts";
import type { NodeIdentity } from "../core/node/node.ts";
import type { Call, CallHandler, Method } from "./call.ts";
import { framed } from "./framing.ts";
import { readNode } from "./node-reader.ts";
import { GrpcError, STATUS } from "./status.ts";
import { bytesTag, WireReader } from "./wire.ts";

/** Tags of what is looked at (`proto/envoy/service/metrics/v3`, `proto/envoy/service/accesslog/v3`). */
const IDENTIFIER = bytesTag(1);
const NODE = bytesTag(1);
const LOG_NAME = bytesTag(2);
const FAMILY = bytesTag(2);
const HTTP_LOGS = bytesTag(2);
const TCP_LOGS = bytesTag(3);
const LOG_ENTRY = bytesTag(1);

/** Longer names of nodes and logs are not kept. */
const MAX_NAME_LENGTH = 1_000;

/** Both services answer with a message that has no fields. */
const EMPTY = framed(Buffer.alloc(0));

const PATHS: Readonly<Record<TelemetryKind, string>> = {
  metrics: "/envoy.service.metrics.v3.MetricsService/StreamMetrics",
  "access-log": "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs",
};

/** MetricsService and AccessLogService. A client is never told of an error: telemetry that we cannot read is our loss. */
export function telemetryRoutes(telemetry: Telemetry): Map<string, Method> {
  return new Map([
    [PATHS.metrics, (call: Call) => receive(call, telemetry, "metrics")],
    [PATHS["access-log"], (call: Call) => receive(call, telemetry, "access-log")],
  ]);
}

const ENTRIES: Readonly<Record<TelemetryKind, (bytes: Buffer) => number>> = {
  metrics: familiesIn,
  "access-log": logEntriesIn,
};

function receive(call: Call, telemetry: Telemetry, kind: TelemetryKind): CallHandler {
  const stream = telemetry.open(kind);
  const entriesIn = ENTRIES[kind];
  let isFirst = true;
  return {
    onMessage(bytes) {
      if (isFirst) {
        const said = readable(() => readIdentifier(bytes));
        call.admit({ rpc: kind, node: said?.node, typeUrl: "" });
        if (said !== undefined) stream.named(short(said.node?.id ?? ""), short(said.log));
      }
      isFirst = false;
      stream.received(
        bytes.length,
        readable(() => entriesIn(bytes)),
      );
    },
    onHalfClosed() {
      if (isFirst) call.admit({ rpc: kind, node: undefined, typeUrl: "" });
      call.send(EMPTY);
      call.end({ code: STATUS.ok, message: "" });
    },
    onClosed: () => stream.close(),
  };
}

/** Undefined where the bytes are not what they should be. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof GrpcError) return undefined;
    throw error;
  }
}

function short(text: string): string {
  return text.length > MAX_NAME_LENGTH ? "" : text;
}

/** Only the first message says who sends. */
function readIdentifier(bytes: Buffer): { readonly node: NodeIdentity | undefined; readonly log: string } {
  const said: { node: NodeIdentity | undefined; log: string } = { node: undefined, log: "" };
  const reader = new WireReader(bytes);
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    if (tag !== IDENTIFIER) {
      reader.skip(tag);
      continue;
    }
    const identifier = reader.message();
    for (let part = identifier.next(); part !== 0; part = identifier.next()) {
      if (part === NODE) said.node = readNode(identifier.view());
      else if (part === LOG_NAME) said.log = identifier.text();
      else identifier.skip(part);
    }
  }
  return said;
}

function familiesIn(bytes: Buffer): number {
  return fieldsIn(new WireReader(bytes), FAMILY);
}

function logEntriesIn(bytes: Buffer): number {
  const reader = new WireReader(bytes);
  let entries = 0;
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    if (tag === HTTP_LOGS || tag === TCP_LOGS) entries += fieldsIn(reader.message(), LOG_ENTRY);
    else reader.skip(tag);
  }
  return entries;
}

function fieldsIn(reader: WireReader, wanted: number): number {
  let count = 0;
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    if (tag === wanted) count += 1;
    reader.skip(tag);
  }
  return count;
}
