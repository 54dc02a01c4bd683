import { loadSync } from "@grpc/proto-loader";
import type { RpcShape } from "../../src/control/access.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { XDS_SERVICES } from "../../src/grpc/xds-services.ts";
import { DISCOVERY } from "../../src/http/route/discovery.ts";
import { message } from "./ads-client.ts";

/** A method that can be called, and its first request. */
export interface RpcRow {
  readonly rpc: RpcShape;
  readonly path: string;
  /** The type that the hook is asked about. */
  readonly typeUrl: string;
  /** Does the request say who asks? */
  readonly saysNode: boolean;
  /** The first request of this node; as JSON for REST. */
  readonly request: (node: object) => Buffer | object;
}

function encoderOf(file: string, name: string): (value: object) => Buffer {
  const definition = loadSync(file, { includeDirs: [new URL("../../proto", import.meta.url).pathname] });
  const { serialize } = definition[name] as unknown as { readonly serialize: (value: object) => Buffer };
  return serialize;
}

const TELEMETRY = {
  lrs: encoderOf("envoy/service/load_stats/v3/lrs.proto", "envoy.service.load_stats.v3.LoadStatsRequest"),
  metrics: encoderOf("envoy/service/metrics/v3/metrics_service.proto", "envoy.service.metrics.v3.StreamMetricsMessage"),
  als: encoderOf("envoy/service/accesslog/v3/als.proto", "envoy.service.accesslog.v3.StreamAccessLogsMessage"),
};

const asked = (name: string, typeUrl: string) => (node: object) =>
  message(name).serialize({
    node: message("Node").serialize(node),
    typeUrl,
    resourceNames: ["a"],
    resourceNamesSubscribe: ["a"],
  });

/** Services of discovery, as they are declared: one that is added there is a row here. */
const streams: readonly RpcRow[] = XDS_SERVICES.flatMap(({ name, typeUrl = CLUSTER, sotw, delta, fetch }) => {
  const row = (rpc: RpcShape, method: string | undefined, request: string): RpcRow[] =>
    method === undefined
      ? []
      : [{ rpc, path: `/${name}/${method}`, typeUrl, saysNode: true, request: asked(request, typeUrl) }];
  return [
    ...row("sotw", sotw, "DiscoveryRequest"),
    ...row("delta", delta, "DeltaDiscoveryRequest"),
    ...row("fetch", fetch, "DiscoveryRequest"),
  ];
});

const CSDS = "/envoy.service.status.v3.ClientStatusDiscoveryService";
const tool = { rpc: "client-status", typeUrl: "", saysNode: false, request: () => Buffer.alloc(0) } as const;
const push = { typeUrl: "", saysNode: true } as const;

/** Every method on the port of xDS, each with a request that is answered where everybody may call. */
export const GRPC_ROWS: readonly RpcRow[] = [
  ...streams,
  { ...tool, path: `${CSDS}/FetchClientStatus` },
  { ...tool, path: `${CSDS}/StreamClientStatus` },
  {
    ...push,
    rpc: "load-reports",
    path: "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats",
    request: (node) => TELEMETRY.lrs({ node: message("Node").serialize(node) }),
  },
  {
    ...push,
    rpc: "metrics",
    path: "/envoy.service.metrics.v3.MetricsService/StreamMetrics",
    request: (node) => TELEMETRY.metrics({ identifier: { node: message("Node").serialize(node) } }),
  },
  {
    ...push,
    rpc: "access-log",
    path: "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs",
    request: (node) => TELEMETRY.als({ identifier: { node: message("Node").serialize(node), logName: "log" } }),
  },
];

/** Every path at which Envoys poll on the HTTP port. */
export const REST_ROWS: readonly RpcRow[] = [...DISCOVERY].map(([path, typeUrl]) => ({
  rpc: "rest",
  path,
  typeUrl,
  saysNode: true,
  request: (node) => ({ node }),
}));
