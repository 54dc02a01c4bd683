import type { ClientDuplexStream } from "@grpc/grpc-js";
import { Client, credentials } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const definition = loadSync("envoy/service/discovery/v3/discovery.proto", {
  includeDirs: [new URL("../../proto", import.meta.url).pathname],
  defaults: true,
  arrays: true,
  objects: true,
  longs: String,
});

/** One message of the envelope, by protobufjs: nothing of what Belay reads and writes by hand. */
export interface EnvelopeCodec {
  serialize(value: object): Buffer;
  deserialize(bytes: Buffer): Record<string, unknown>;
}

/** The codec of a message, e.g. `DiscoveryRequest`, from the schema in proto/. */
export const message = (name: string): EnvelopeCodec =>
  definition[`envoy.service.discovery.v3.${name}`] as unknown as EnvelopeCodec;

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService";
const ADS_METHODS = { sotw: `${ADS}/StreamAggregatedResources`, delta: `${ADS}/DeltaAggregatedResources` };

/** A response as it came over the wire. */
export interface WireResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly versionInfo: string;
  readonly systemVersionInfo: string;
  readonly resources: readonly Record<string, unknown>[];
  readonly removedResources: readonly string[];
  readonly controlPlane: { readonly identifier: string } | null;
}

/** One stream of xDS, of ADS unless another method is named, of an independent client: grpc-js and nothing of the server's own reading and writing. */
export class AdsClient {
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<object, WireResponse>;
  readonly #responses: WireResponse[] = [];
  readonly #waiting: ((response: WireResponse) => void)[] = [];
  /** How the stream ended: a gRPC status. */
  readonly ended: Promise<{ code: number; details: string }>;

  constructor(address: string, dialect: "sotw" | "delta", method: string = ADS_METHODS[dialect]) {
    this.#client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
    const prefix = dialect === "sotw" ? "" : "Delta";
    const request = message(`${prefix}DiscoveryRequest`);
    const response = message(`${prefix}DiscoveryResponse`);
    this.#stream = this.#client.makeBidiStreamRequest(
      method,
      (value: object) => request.serialize(value),
      (bytes: Buffer) => response.deserialize(bytes) as unknown as WireResponse,
    );
    this.#stream.on("data", (received: WireResponse) => {
      const waiter = this.#waiting.shift();
      if (waiter === undefined) this.#responses.push(received);
      else waiter(received);
    });
    this.#stream.on("error", () => {});
    this.ended = new Promise((resolve) => this.#stream.on("status", resolve));
  }

  send(request: object): void {
    this.#stream.write(request);
  }

  /** The next response; the test's own time limit is the only one. */
  next(): Promise<WireResponse> {
    const ready = this.#responses.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Responses that arrived and were not asked for yet. */
  get unread(): readonly WireResponse[] {
    return this.#responses;
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }
}

/** The bytes of a node, for the `node` field of a request. */
export function nodeBytes(node: object): Buffer {
  return message("Node").serialize(node);
}

/** What came of a unary call: a response, or the status that it ended with. */
export type UnaryAnswer = { readonly response: WireResponse } | { readonly code: number; readonly details: string };

/** One DiscoveryRequest on no stream. */
export async function unaryCall(address: string, method: string, request: object): Promise<UnaryAnswer> {
  const client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  try {
    return await new Promise((resolve) => {
      client.makeUnaryRequest(
        method,
        (value: object) => message("DiscoveryRequest").serialize(value),
        (bytes: Buffer) => message("DiscoveryResponse").deserialize(bytes) as unknown as WireResponse,
        request,
        (error, response) => {
          if (response !== undefined) resolve({ response });
          else resolve({ code: error?.code ?? 0, details: error?.details ?? "" });
        },
      );
    });
  } finally {
    client.close();
  }
}
