import type { ClusterReport } from "../core/load/report.ts";
import type { NodeIdentity } from "../core/node/node.ts";
import type { Call, CallHandler, Method } from "./call.ts";
import type { Framed } from "./framing.ts";
import { framed } from "./framing.ts";
import { readLoadMessage } from "./load-reader.ts";
import { readNode } from "./node-reader.ts";
import { GrpcError, STATUS } from "./status.ts";
import { bytesField, numberField } from "./wire.ts";

/** Where reports go, and how often they are wanted. */
export interface LoadReporting {
  /** A node has reported. */
  readonly add: (nodeId: string, report: readonly ClusterReport[]) => void;
  /** 10 s: each report carries the node's 61 KB. */
  readonly intervalMs?: number;
}

const INTERVAL_MS = 10_000;

/** Longer ids are not kept. */
const MAX_ID_LENGTH = 1_000;

/** Field numbers of LoadStatsResponse (`proto/envoy/service/load_stats/v3/lrs.proto`). */
const FIELD = { interval: 2, sendAllClusters: 4 };

/** The Load Reporting Service: Envoys tell how many of their requests to each cluster succeeded and failed. */
export function loadReportingRoutes({ add, intervalMs = INTERVAL_MS }: LoadReporting): Map<string, Method> {
  const answer = answerOf(intervalMs);
  const method: Method = (call) => serveLoads(call, answer, add);
  return new Map([["/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats", method]]);
}

function serveLoads(call: Call, answer: Framed, add: LoadReporting["add"]): CallHandler {
  let nodeId = "";
  return {
    onMessage(bytes) {
      const { node, clusters } = readLoadMessage(bytes);
      const isFirst = nodeId === "";
      if (isFirst) {
        const identity = identityOf(node);
        call.admit({ rpc: "load-reports", node: identity, typeUrl: "" });
        nodeId = identity.id;
      }
      // The first message of an Envoy's life only says that it is there; of one that has come back it has a report.
      if (!isFirst || clusters.length > 0) add(nodeId, clusters);
      if (isFirst) call.send(answer);
    },
    onHalfClosed: () => call.end({ code: STATUS.ok, message: "" }),
    onClosed() {},
  };
}

function identityOf(bytes: Buffer | undefined): NodeIdentity {
  const node = bytes === undefined ? undefined : readNode(bytes);
  if (node !== undefined && node.id !== "" && node.id.length <= MAX_ID_LENGTH) return node;
  throw new GrpcError(
    STATUS.invalidArgument,
    `the first report of a stream must carry a node with an id of at most ${MAX_ID_LENGTH} characters`,
  );
}

/** Report on all clusters, so often. */
function answerOf(intervalMs: number): Framed {
  const seconds = Math.trunc(intervalMs / 1_000);
  const nanos = Math.trunc(intervalMs % 1_000) * 1_000_000;
  const interval = Buffer.concat([numberField(1, seconds), numberField(2, nanos)]);
  return framed(Buffer.concat([bytesField(FIELD.interval, interval), numberField(FIELD.sendAllClusters, 1)]));
}
