import type { Authorize } from "../control/access.ts";
import type { ControlPlane } from "../control/control-plane.ts";
import type { Fetched } from "../control/fetches.ts";
import type { Fleet } from "../control/fleet.ts";
import type { MeshReader } from "../control/mesh-reader.ts";
import type { XdsStats } from "../control/xds-stats.ts";
import type { NodeIdentity } from "../core/node/node.ts";
import type { SotwRequest } from "../core/xds/message.ts";
import type { Codec } from "../envoy/codec.ts";
import type { Pushed } from "./pushed-metrics.ts";

/** What is logged and where to; pino's logger is one. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What the HTTP edge translates: it decides nothing itself. */
export interface Backend {
  readonly controlPlane: ControlPlane;
  readonly meshReader: MeshReader;
  /** Shows what Envoys have; everything marked sensitive stays hidden. */
  readonly codec: Codec;
  readonly log: Log;
  /** Where Envoys connect, HOST:PORT, as `/v1/status` says it. */
  readonly xdsAddress: string;
  /** For the counters of acknowledgements and refusals in `/metrics`. */
  readonly fleet?: Pick<Fleet, "listen">;
  /** Answers Envoys that poll; without it they are told to use gRPC. */
  readonly fetch?: (request: SotwRequest, node: NodeIdentity | undefined) => Promise<Fetched>;
  /** Decides what an Envoy that polls may have; without it, whoever reaches this port may have everything (P56). */
  readonly authorize?: Authorize | undefined;
  /** What the port of xDS has counted, for `/metrics`. */
  readonly xdsStats?: () => XdsStats;
  /** When the certificate of the port of xDS runs out, in milliseconds since the epoch; without it there is none. */
  readonly xdsCertificateEnds?: () => number;
  /** For what Envoys push, in `/metrics`. */
  readonly pushed?: Pushed;
}

/** The same while it is being served. */
export interface Serving extends Backend {
  /** What clients do wrong, no more often than a log can bear. */
  readonly warn: (message: string) => void;
  /** Aborted when the server closes: streams end then. */
  readonly closing: AbortSignal;
  /** Of this Belay. */
  readonly version: string;
}
