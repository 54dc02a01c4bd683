import { XdsCounters } from "../control/xds-counters.ts";
import type { Resource } from "../core/resource/resource.ts";
import type { Dialect, Response, SentResource } from "../core/xds/message.ts";
import type { Framed } from "./framing.ts";
import { PREFIX_BYTES } from "./framing.ts";
import { bytesField, fieldHead, numberField, textField, textFieldSize, withTextField } from "./wire.ts";

/** Field numbers of the envelope (`proto/envoy/service/discovery/v3/discovery.proto`); all are length-delimited. */
const FIELD = { version: 1, resources: 2, typeUrl: 4, nonce: 5, sotwControlPlane: 6, removed: 6, deltaControlPlane: 7 };

const RESOURCE = "type.googleapis.com/envoy.service.discovery.v3.Resource";

/** Shorter messages are sent in one piece: that costs less than a second one. */
const COPIED_BYTES = 2_048;

/** Bodies that are kept for the next stream with the same answer: so many, and so many bytes beside the newest. */
const KEPT = { bodies: 128, bytes: 32 << 20 };

/** How often is looked for bodies that no stream has asked for since the last look; they are forgotten. In milliseconds. */
const FORGET_MS = 5_000;

/** What of a message is not its response's. */
interface Envelope {
  /** Undefined: it is not said. */
  readonly identifier: string | undefined;
  readonly nonceBytes: number;
}

interface Body extends Envelope {
  readonly dialect: Dialect;
  readonly response: Response;
  /** The prefix and everything but the nonce. */
  readonly bytes: Buffer;
  /** Some stream has asked for it since the last look. */
  isUsed: boolean;
}

/**
 * The bytes of responses. Everything but the nonce is the same for all streams in the same state: it is encoded when the
 * first one asks for it, and the others send those very bytes. The nonce is the last field and has the same length
 * wherever the engine makes it, so that the prefix is shared too.
 */
export class ResponseBytes {
  readonly #identifier: () => string;
  /** The newest use first. */
  #bodies: Body[] = [];
  #timer: NodeJS.Timeout | undefined;

  readonly #counters: XdsCounters;

  /** @param identifier shown by Envoy as `control_plane.identifier` (rule R10, P64) */
  constructor(identifier: () => string, counters = new XdsCounters()) {
    this.#identifier = identifier;
    this.#counters = counters;
  }

  /** What is said in a response as the name of the control plane. */
  get identifier(): string {
    return this.#identifier();
  }

  /**
   * The response as a message that can be sent.
   *
   * @param isIntroduced the client of this stream has been told the identifier: it keeps it, and is not told again
   */
  framed(dialect: Dialect, response: Response, isIntroduced = false): Framed {
    const { nonce } = response;
    const identifier = isIntroduced ? undefined : this.#identifier();
    const { bytes } = this.#body(dialect, response, { nonceBytes: textFieldSize(nonce), identifier });
    return bytes.length < COPIED_BYTES
      ? [withTextField(bytes, FIELD.nonce, nonce)]
      : [bytes, textField(FIELD.nonce, nonce)];
  }

  #body(dialect: Dialect, response: Response, envelope: Envelope): Body {
    const index = this.#bodies.findIndex((body) => isFor(body, dialect, response, envelope));
    const known = this.#bodies[index];
    if (known === undefined) {
      const { identifier, nonceBytes } = envelope;
      this.#counters.of(response.typeUrl).encodes += 1;
      const bytes = encode(dialect, response, envelope);
      return this.#keep({ dialect, identifier, response, nonceBytes, bytes, isUsed: true });
    }
    known.isUsed = true;
    if (index > 0) this.#bodies.unshift(...this.#bodies.splice(index, 1));
    return known;
  }

  #keep(body: Body): Body {
    let room = KEPT.bytes;
    const older = this.#bodies.slice(0, KEPT.bodies - 1).filter(({ bytes }) => {
      room -= bytes.length;
      return room >= 0;
    });
    this.#bodies = [body, ...older];
    this.#timer ??= setInterval(() => this.#forget(), FORGET_MS).unref();
    return body;
  }

  #forget(): void {
    this.#bodies = this.#bodies.filter(({ isUsed }) => isUsed);
    for (const body of this.#bodies) body.isUsed = false;
    if (this.#bodies.length > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function isFor(body: Body, dialect: Dialect, response: Response, { nonceBytes, identifier }: Envelope): boolean {
  if (body.dialect !== dialect || body.nonceBytes !== nonceBytes || body.identifier !== identifier) return false;
  return isSame(body.response, response);
}

/** The same but for the nonce. Resources are compared by identity: equal content is one object. */
function isSame(a: Response, b: Response): boolean {
  return (
    a.version === b.version &&
    a.typeUrl === b.typeUrl &&
    isSameList(a.resources, b.resources) &&
    isSameList(a.removed, b.removed)
  );
}

function isSameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}

/** The prefix of the message and everything but its nonce. */
function encode(dialect: Dialect, response: Response, { nonceBytes, identifier }: Envelope): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  const parts: Uint8Array[] = [prefix, textField(FIELD.version, response.version)];
  addResources(parts, dialect, response.resources);
  parts.push(textField(FIELD.typeUrl, response.typeUrl));
  for (const name of response.removed) parts.push(bytesField(FIELD.removed, Buffer.from(name, "utf8")));
  const controlPlane = dialect === "sotw" ? FIELD.sotwControlPlane : FIELD.deltaControlPlane;
  if (identifier !== undefined) parts.push(bytesField(controlPlane, textField(1, identifier)));
  const bytes = Buffer.concat(parts);
  bytes.writeUInt32BE(bytes.length - PREFIX_BYTES + nonceBytes, 1);
  return bytes;
}

function addResources(parts: Uint8Array[], dialect: Dialect, resources: readonly SentResource[]): void {
  const plainHeads = new Map<number, Buffer>();
  for (const resource of resources) {
    if (resource.isBodiless === true) parts.push(withoutBody(resource));
    else if (isPlain(dialect, resource)) parts.push(plainHeadOf(resource, plainHeads), resource.bytes);
    else parts.push(headOf(dialect, resource), resource.bytes);
  }
}

/** Nothing but the type stands in front of the content: resources of one length have the same there. */
function isPlain(dialect: Dialect, { ttlMs }: SentResource): boolean {
  return dialect === "sotw" && ttlMs === undefined;
}

/** @param known those of the type that were made already, by the length of the content */
function plainHeadOf({ typeUrl, bytes }: SentResource, known: Map<number, Buffer>): Buffer {
  const { length } = bytes;
  const head = known.get(length) ?? anyHead(FIELD.resources, typeUrl, length);
  known.set(length, head);
  return head;
}

/** A field of a google.protobuf.Any (type_url = 1, value = 2), up to its value. */
function anyHead(field: number, typeUrl: string, length: number): Buffer {
  const inner = Buffer.concat([textField(1, typeUrl), fieldHead(2, length)]);
  return Buffer.concat([fieldHead(field, inner.length + length), inner]);
}

const heads: Readonly<Record<Dialect, WeakMap<Resource, Buffer>>> = { sotw: new WeakMap(), delta: new WeakMap() };

/**
 * Everything in front of the content of a resource that says more than its type. The content comes last, and is never kept
 * twice.
 */
function headOf(dialect: Dialect, resource: SentResource): Buffer {
  const known = heads[dialect].get(resource);
  if (known !== undefined) return known;
  const { typeUrl, bytes } = resource;
  const { length } = bytes;
  // envoy.service.discovery.v3.Resource has its content in field 2; any order is allowed.
  const inner = Buffer.concat([...frontOf(resource), anyHead(2, typeUrl, length)]);
  // In state of the world a time to live is said by wrapping the content once more, in an Any of that type.
  const outer =
    dialect === "delta"
      ? fieldHead(FIELD.resources, inner.length + length)
      : anyHead(FIELD.resources, RESOURCE, inner.length + length);
  const head = unpooled([outer, inner]);
  heads[dialect].set(resource, head);
  return head;
}

/** A piece of Node's pool would keep all 8 KiB of it for as long as the resource is remembered by anybody. */
function unpooled(parts: readonly Buffer[]): Buffer {
  const bytes = Buffer.alloc(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) at += part.copy(bytes, at);
  return bytes;
}

/** What an envoy.service.discovery.v3.Resource says of its content: version = 1, name = 3, aliases = 4, ttl = 6. */
function frontOf({ version, name, aliases = [], ttlMs }: SentResource): Buffer[] {
  return [
    textField(1, version),
    textField(3, name),
    ...aliases.map((alias) => bytesField(4, Buffer.from(alias, "utf8"))),
    ...(ttlMs === undefined ? [] : [bytesField(6, duration(ttlMs))]),
  ];
}

/** A google.protobuf.Duration: seconds = 1, nanos = 2. */
function duration(ms: number): Buffer {
  const seconds = Math.trunc(ms / 1_000);
  return Buffer.concat([numberField(1, seconds), numberField(2, Math.round((ms - seconds * 1_000) * 1_000_000))]);
}

function withoutBody(resource: SentResource): Buffer {
  return bytesField(FIELD.resources, Buffer.concat(frontOf(resource)));
}
