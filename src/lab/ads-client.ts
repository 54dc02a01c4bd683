import { fileURLToPath } from "node:url";
import { Client, type ClientDuplexStream, credentials, type MethodDefinition } from "@grpc/grpc-js";
import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";

/** A resource as it comes in. */
export interface Received {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

export interface AdsClientOptions {
  /** `127.0.0.1:18000`. */
  readonly xds: string;
  readonly node: { readonly id: string; readonly cluster: string; readonly userAgentVersion: string };
  /** Types of which it wants all resources, in the order in which it asks. */
  readonly wildcards: readonly string[];
  /** Takes a response in, or says why it is refused. It may subscribe to more. */
  readonly take: (typeUrl: string, resources: readonly Received[]) => string | undefined;
}

interface Subscription {
  names: readonly string[];
  version: string;
  /** Of the last response of this stream; empty on a new one. */
  nonce: string;
}

interface Response {
  readonly versionInfo: string;
  readonly resources: readonly Received[];
  readonly typeUrl: string;
  readonly nonce: string;
}

type Method = MethodDefinition<object, Response>;

const INVALID_ARGUMENT = 3;
const AGAIN_MS = 200;
const BACK_OFF = { "grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 1_000 };
const PACKAGE = "envoy.service.discovery.v3";
const PROTO_ROOT = fileURLToPath(new URL("../../proto", import.meta.url));

/** A state-of-the-world client of ADS: it acknowledges, refuses, and comes back with what it has, as an Envoy does. */
export class AdsClient {
  readonly #options: AdsClientOptions;
  readonly #client: Client;
  readonly #method: Method;
  readonly #node: Buffer;
  readonly #subscriptions = new Map<string, Subscription>();
  #stream: ClientDuplexStream<object, Response> | undefined;
  #isFirst = true;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: AdsClientOptions) {
    const wire = loadWire();
    this.#options = options;
    this.#client = new Client(options.xds, credentials.createInsecure(), BACK_OFF);
    this.#method = wire.method;
    this.#node = wire.node.serialize(options.node);
    for (const typeUrl of options.wildcards) this.#subscriptions.set(typeUrl, { names: [], version: "", nonce: "" });
    this.#open();
  }

  /** The names of a type that it wants from now on; what has not changed is not asked again. */
  subscribe(typeUrl: string, names: readonly string[]): void {
    const present = this.#subscriptions.get(typeUrl);
    if (present?.names.join("\n") === names.join("\n")) return;
    if (present === undefined) this.#subscriptions.set(typeUrl, { names, version: "", nonce: "" });
    else present.names = names;
    if (names.length > 0) this.#request(typeUrl);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stream?.cancel();
    this.#client.close();
  }

  #open(): void {
    const { path, requestSerialize, responseDeserialize } = this.#method;
    const stream = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    this.#stream = stream;
    this.#isFirst = true;
    stream.on("data", (response) => this.#onResponse(response));
    stream.on("error", () => {});
    // Not "close": our side of the stream is never ended, so it does not come.
    stream.once("status", () => {
      this.#stream = undefined;
      if (!this.#closed) this.#timer = setTimeout(() => this.#open(), AGAIN_MS);
    });
    for (const [typeUrl, subscription] of this.#subscriptions) {
      subscription.nonce = "";
      this.#request(typeUrl);
    }
  }

  #request(typeUrl: string, refusal?: string): void {
    const subscription = this.#subscriptions.get(typeUrl);
    if (subscription === undefined) return;
    const { names, version, nonce } = subscription;
    this.#stream?.write({
      ...(this.#isFirst ? { node: this.#node } : {}),
      ...(refusal === undefined ? {} : { errorDetail: { code: INVALID_ARGUMENT, message: refusal } }),
      typeUrl,
      resourceNames: names,
      versionInfo: version,
      responseNonce: nonce,
    });
    this.#isFirst = false;
  }

  #onResponse({ typeUrl, nonce, versionInfo, resources }: Response): void {
    const subscription = this.#subscriptions.get(typeUrl);
    if (subscription === undefined) return;
    subscription.nonce = nonce;
    const refusal = this.#options.take(typeUrl, resources);
    if (refusal === undefined) subscription.version = versionInfo;
    this.#request(typeUrl, refusal);
  }
}

function loadWire(): { readonly method: Method; readonly node: MessageTypeDefinition<object, object> } {
  const file = `${PACKAGE.replaceAll(".", "/")}/discovery.proto`;
  const definition = loadSync(file, { includeDirs: [PROTO_ROOT], defaults: true, arrays: true });
  const service = definition[`${PACKAGE}.AggregatedDiscoveryService`] as unknown as Readonly<Record<string, Method>>;
  const method = service["StreamAggregatedResources"];
  if (method === undefined) throw new Error(`${file} has no StreamAggregatedResources`);
  return { method, node: definition[`${PACKAGE}.Node`] as MessageTypeDefinition<object, object> };
}
