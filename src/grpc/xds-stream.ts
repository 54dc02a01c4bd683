import type { StreamEnd } from "../control/node-entry.ts";
import type { StreamSink, XdsSession } from "../control/sessions.ts";
import type { StreamEndReason, XdsCounters } from "../control/xds-counters.ts";
import type { NodeIdentity } from "../core/node/node.ts";
import { isSameNode } from "../core/node/node.ts";
import type { Dialect, Response } from "../core/xds/message.ts";
import type { Call, CallHandler } from "./call.ts";
import { bytesOf } from "./framing.ts";
import type { LongResponses } from "./long-responses.ts";
import { readNode } from "./node-reader.ts";
import type { PacedStream, PacedWriter, Pacer } from "./pacer.ts";
import type { RequestReader } from "./request-reader.ts";
import type { ResponseBytes } from "./response-bytes.ts";
import { GrpcError, STATUS } from "./status.ts";

/** What all streams of an xDS server share. */
export interface XdsEdge {
  readonly open: (dialect: Dialect, sink: StreamSink, typeUrl?: string) => XdsSession;
  readonly pacer: Pacer<Response>;
  readonly reader: RequestReader;
  readonly bytes: ResponseBytes;
  readonly onWarning: (message: string) => void;
  readonly counters: XdsCounters;
  /** Is told of every response. */
  readonly long: LongResponses;
}

const REASON: Readonly<Record<StreamEnd, StreamEndReason>> = {
  ok: "drained",
  aged: "aged",
  unavailable: "unavailable",
  "invalid-argument": "invalid",
};

const END: Readonly<Record<Exclude<StreamEnd, "aged">, number>> = {
  ok: STATUS.ok,
  unavailable: STATUS.unavailable,
  "invalid-argument": STATUS.invalidArgument,
};

/** One stream of xDS: its requests go to a session, whose responses go out. */
export function serveStream(call: Call, edge: XdsEdge, dialect: Dialect, typeUrl: string | undefined): CallHandler {
  return new XdsStream(call, edge, dialect, typeUrl);
}

const NO_TYPES: readonly string[] = [];

/** One object for what a stream hears, says and writes: there are thousands, and most of the time they are idle. */
class XdsStream implements CallHandler, StreamSink, PacedWriter<Response> {
  readonly #call: Call;
  readonly #edge: XdsEdge;
  readonly #dialect: Dialect;
  /** The type of its service, where that carries one only. */
  readonly #scope: string | undefined;
  readonly #session: XdsSession;
  readonly #paced: PacedStream<Response>;
  /** Types that were asked for so far. */
  #asked = NO_TYPES;
  /** Who the client said last that it is; kept only where somebody asks who may call. */
  #node: NodeIdentity | undefined;
  #reason: StreamEndReason = "client";
  /** What the client was told that it is served by: it keeps that until it is told something else (R10). */
  #introducedAs: string | undefined;

  constructor(call: Call, edge: XdsEdge, dialect: Dialect, typeUrl: string | undefined) {
    this.#call = call;
    this.#edge = edge;
    this.#dialect = dialect;
    this.#scope = typeUrl;
    this.#paced = edge.pacer.stream(this);
    this.#session = edge.open(dialect, this, typeUrl);
  }

  get open(): boolean {
    return this.#call.open;
  }

  send(response: Response, isUrgent: boolean): void {
    this.#paced.send(response, isUrgent);
  }

  end(how: StreamEnd, why: string): void {
    this.#reason = REASON[how];
    if (how === "aged") this.#call.retire(why);
    else this.#call.end({ code: END[how], message: why });
  }

  write(response: Response, done: () => void): number {
    const { bytes: messages } = this.#edge;
    const { identifier } = messages;
    const parts = messages.framed(this.#dialect, response, identifier === this.#introducedAs);
    this.#introducedAs = identifier;
    this.#call.send(parts, done);
    const bytes = bytesOf(parts);
    this.#edge.long.sent(bytes, this.#dialect, response, this.#session.group);
    return this.#edge.counters.wrote(response.typeUrl, bytes);
  }

  stalled(): void {
    this.#reason = "stalled";
    this.#call.cut();
  }

  onMessage(message: Buffer): void {
    const call = this.#call;
    try {
      this.#receive(message);
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error;
      // Whom the gate refuses it has told of already.
      const isRefused = error.status.code === STATUS.permissionDenied;
      this.#reason = isRefused ? "refused" : "invalid";
      if (!isRefused) this.#edge.onWarning(`an xDS stream of ${call.peer} is ended: ${error.message}`);
      call.end(error.status);
    }
  }

  onHalfClosed(): void {
    this.#call.end({ code: STATUS.ok, message: "" });
  }

  onClosed(): void {
    this.#edge.counters.ended[this.#reason] += 1;
    this.#session.onClosed();
  }

  #receive(bytes: Buffer): void {
    const { reader } = this.#edge;
    if (this.#dialect === "sotw") {
      const { request, node } = reader.sotw(bytes);
      const ofType = typed(request, this.#scope);
      if (ofType !== undefined) this.#session.onSotw(ofType, this.#admitted(ofType.typeUrl, node));
    } else {
      const { request, node } = reader.delta(bytes);
      const ofType = typed(request, this.#scope);
      if (ofType !== undefined) this.#session.onDelta(ofType, this.#admitted(ofType.typeUrl, node));
    }
  }

  /** Counts the type and, where somebody decides who may call, asks for it: once, and again when the node changes (P54). */
  #admitted(typeUrl: string, said: Buffer | undefined): NodeIdentity | undefined {
    const node = said === undefined ? undefined : readNode(said);
    const isNew = !this.#asked.includes(typeUrl);
    if (isNew && this.#asked.length >= TYPES_LIMIT) {
      throw new GrpcError(STATUS.invalidArgument, `one stream asks for more than ${TYPES_LIMIT} types of resources`);
    }
    // Not spread: that would hold room for sixteen more, on each of thousands of streams.
    if (isNew) this.#asked = this.#asked.concat(typeUrl);
    if (this.#call.guarded) this.#authorize(isNew ? [typeUrl] : NO_TYPES, node);
    return node;
  }

  #authorize(fresh: readonly string[], said: NodeIdentity | undefined): void {
    const isOther = said !== undefined && (this.#node === undefined || !isSameNode(this.#node, said));
    if (isOther) this.#node = said;
    const node = this.#node;
    // A stream that does not say who it is gets no answer; its session ends it.
    if (node === undefined) return;
    for (const typeUrl of isOther ? this.#asked : fresh) this.#call.admit({ rpc: this.#dialect, node, typeUrl });
  }
}

/** An Envoy asks for a dozen types; what is kept for each is looked through again and again. */
const TYPES_LIMIT = 100;

/** Longer type URLs are no type's; they are kept of each that is asked for, also after the stream. */
const TYPE_URL_LENGTH = 1_000;

/**
 * The request with the type of its service. Undefined for one that names no type where any is allowed: an Envoy sends
 * that after a response that it had not asked for, and its stream goes on (rule N8).
 */
export function typed<R extends { readonly typeUrl: string }>(request: R, typeUrl: string | undefined): R | undefined {
  if (request.typeUrl === typeUrl) return request;
  const { length } = request.typeUrl;
  if (length > TYPE_URL_LENGTH) {
    throw new GrpcError(
      STATUS.invalidArgument,
      `a type URL of ${length} characters is no type's: more than ${TYPE_URL_LENGTH} are refused`,
    );
  }
  if (typeUrl === undefined) return request.typeUrl === "" ? undefined : request;
  if (request.typeUrl === "") return { ...request, typeUrl };
  throw new GrpcError(
    STATUS.invalidArgument,
    `this service carries ${typeUrl} only, but ${JSON.stringify(request.typeUrl.slice(0, 200))} was asked for`,
  );
}
