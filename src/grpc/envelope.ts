import { fileURLToPath } from "node:url";
import type { ServiceDefinition } from "@grpc/grpc-js";
import type { MessageTypeDefinition } from "@grpc/proto-loader";
import { loadSync } from "@grpc/proto-loader";

/** The envelope's schema, from `proto/` at the package's root: two folders up from `src/grpc` and from `dist/grpc`. */
const PROTO_ROOT = fileURLToPath(new URL("../../proto", import.meta.url));

const PACKAGE = "envoy.service.discovery.v3";

/** `google.rpc.Status` as it comes out of the loader. */
export interface WireStatus {
  readonly code: number;
  readonly message: string;
}

export interface WireSotwRequest {
  readonly versionInfo: string;
  readonly node: Buffer;
  readonly resourceNames: readonly string[];
  readonly typeUrl: string;
  readonly responseNonce: string;
  readonly errorDetail: WireStatus | null;
}

export interface WireDeltaRequest {
  readonly node: Buffer;
  readonly typeUrl: string;
  readonly resourceNamesSubscribe: readonly string[];
  readonly resourceNamesUnsubscribe: readonly string[];
  readonly initialResourceVersions: Readonly<Record<string, string>>;
  readonly responseNonce: string;
  readonly errorDetail: WireStatus | null;
}

export interface WireNode {
  readonly id: string;
  readonly cluster: string;
  readonly metadata: { readonly fields: Readonly<Record<string, { readonly stringValue?: string }>> } | null;
  readonly locality: { readonly zone: string } | null;
  readonly userAgentVersion: string;
  readonly userAgentBuildVersion: {
    readonly version: { readonly majorNumber: number; readonly minorNumber: number; readonly patch: number } | null;
  } | null;
}

const definition = loadSync(`${PACKAGE.replaceAll(".", "/")}/discovery.proto`, {
  includeDirs: [PROTO_ROOT],
  keepCase: false,
  defaults: true,
  arrays: true,
  objects: true,
  longs: String,
});

const node = definition[`${PACKAGE}.Node`] as MessageTypeDefinition<WireNode, WireNode>;

/** Reads the few fields of a node that Belay has a use for. Throws where the bytes are no Node. */
export function decodeNode(bytes: Buffer): WireNode {
  return node.deserialize(bytes);
}

const ads = definition[`${PACKAGE}.AggregatedDiscoveryService`] as unknown as ServiceDefinition;

/** Bytes as they are: responses are encoded where they are made. */
const identity = (bytes: Buffer): Buffer => bytes;

/** ADS with responses that are bytes already. */
export const AGGREGATED_DISCOVERY: ServiceDefinition = Object.fromEntries(
  Object.entries(ads).map(([name, method]) => [name, { ...method, responseSerialize: identity }]),
);
