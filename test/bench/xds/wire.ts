/** The two dialects of xDS. */
export type Dialect = "sotw" | "delta";

/** The types that the cases ask for. */
export const TYPE_URLS = {
  clusters: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  endpoints: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
} as const;

export type Kind = keyof typeof TYPE_URLS;

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService";

/** The gRPC method of ADS in each dialect. */
export const METHODS: Readonly<Record<Dialect, string>> = {
  sotw: `${ADS}/StreamAggregatedResources`,
  delta: `${ADS}/DeltaAggregatedResources`,
};

/** What a request says. The lists are encoded already, because many streams share them. */
export interface RequestParts {
  readonly node?: Buffer;
  readonly typeUrl: string;
  readonly names?: Buffer;
  readonly version?: string;
  /** `initial_resource_versions`, delta only. */
  readonly held?: Buffer;
  readonly nonce?: string;
  readonly refusal?: string;
}

/** The field numbers of what a request may carry: the two messages have the same fields in another order. */
const FIELDS = {
  sotw: { node: 2, typeUrl: 4, nonce: 5, error: 6 },
  delta: { node: 1, typeUrl: 2, nonce: 6, error: 7 },
} as const;

const INVALID_ARGUMENT = Buffer.from([0x08, 3]);

/** A request as a gRPC message: five bytes of prefix, then the protobuf. */
export function encodeRequest(dialect: Dialect, request: RequestParts): Buffer {
  const fields = FIELDS[dialect];
  const parts: Buffer[] = [];
  if (dialect === "sotw" && request.version) parts.push(text(1, request.version));
  if (request.node !== undefined) parts.push(bytes(fields.node, request.node));
  parts.push(text(fields.typeUrl, request.typeUrl));
  if (request.names !== undefined) parts.push(request.names);
  if (dialect === "delta" && request.held !== undefined) parts.push(request.held);
  if (request.nonce) parts.push(text(fields.nonce, request.nonce));
  if (request.refusal !== undefined) {
    parts.push(bytes(fields.error, Buffer.concat([INVALID_ARGUMENT, text(2, request.refusal)])));
  }
  return framed(parts);
}

function framed(parts: readonly Buffer[]): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(
    parts.reduce((sum, part) => sum + part.length, 0),
    1,
  );
  return Buffer.concat([prefix, ...parts]);
}

/** The `node` of a request: an id, a cluster, and a user agent. */
export function encodeNode(id: string, cluster: string): Buffer {
  return Buffer.concat([text(1, id), text(2, cluster), text(6, "bench")]);
}

/** The names that a request subscribes to: field 3 in both dialects. */
export function encodeNames(names: readonly string[]): Buffer {
  return Buffer.concat(names.map((name) => text(3, name)));
}

/** `initial_resource_versions` of what a client holds. */
export function encodeHeld(versions: ReadonlyMap<string, string>): Buffer {
  const entries = [...versions].map(([name, version]) => bytes(5, Buffer.concat([text(1, name), text(2, version)])));
  return Buffer.concat(entries);
}

function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value));
}

/** All field numbers here are below 16, so a tag is one byte. */
function bytes(field: number, value: Buffer): Buffer {
  const head = [(field << 3) | 2];
  let rest = value.length;
  while (rest > 127) {
    head.push((rest & 127) | 128);
    rest >>>= 7;
  }
  head.push(rest);
  return Buffer.concat([Buffer.from(head), value]);
}

/** What a client must know of a response to acknowledge it. */
export interface Envelope {
  readonly version: string;
  readonly nonce: string;
  readonly typeUrl: string;
  /** How many resources it carries; their bytes are not read. */
  readonly resources: number;
}

/** Reads the envelope of a response: both dialects number these fields alike. */
export function readEnvelope(message: Buffer): Envelope {
  let [version, nonce, typeUrl, resources] = ["", "", "", 0];
  eachField(message, (field, from, to) => {
    if (field === 2) resources += 1;
    else if (field === 1) version = message.toString("latin1", from, to);
    else if (field === 4) typeUrl = message.toString("latin1", from, to);
    else if (field === 5) nonce = message.toString("latin1", from, to);
  });
  return { version, nonce, typeUrl, resources };
}

/** Names and versions of the resources in a delta response. */
export function readVersions(message: Buffer): Map<string, string> {
  const versions = new Map<string, string>();
  eachField(message, (field, from, to) => {
    if (field !== 2) return;
    const resource = message.subarray(from, to);
    let [name, version] = ["", ""];
    eachField(resource, (inner, start, end) => {
      if (inner === 3) name = resource.toString("utf8", start, end);
      else if (inner === 1) version = resource.toString("utf8", start, end);
    });
    versions.set(name, version);
  });
  return versions;
}

/** Walks the fields that have a length; others are skipped. */
function eachField(message: Buffer, on: (field: number, from: number, to: number) => void): void {
  let at = 0;
  const varint = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = message[at];
      if (byte === undefined) throw new Error("a response ends in the middle of a field");
      at += 1;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const wireType = tag & 7;
    if (wireType === 2) {
      const size = varint();
      on(tag >>> 3, at, at + size);
      at += size;
    } else if (wireType === 0) varint();
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else throw new Error(`a response has a field of wire type ${wireType}`);
  }
}

/** How often the mark stands in the bytes. */
export function countOf(mark: Buffer, message: Buffer): number {
  let count = 0;
  for (let at = message.indexOf(mark); at !== -1; at = message.indexOf(mark, at + mark.length)) count += 1;
  return count;
}

const PREFIX_BYTES = 5;

/** Cuts what a stream receives into gRPC messages. */
export class MessageCutter {
  readonly #onMessage: (message: Buffer) => void;
  #parts: Buffer[] = [];
  #held = 0;
  #needed = PREFIX_BYTES;

  constructor(onMessage: (message: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#needed) return;
    const data = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    let at = 0;
    this.#needed = PREFIX_BYTES;
    while (data.length - at >= PREFIX_BYTES) {
      const size = PREFIX_BYTES + data.readUInt32BE(at + 1);
      if (data.length - at < size) {
        this.#needed = size;
        break;
      }
      this.#onMessage(data.subarray(at + PREFIX_BYTES, at + size));
      at += size;
    }
    this.#held = data.length - at;
    this.#parts = this.#held === 0 ? [] : [data.subarray(at)];
  }
}
