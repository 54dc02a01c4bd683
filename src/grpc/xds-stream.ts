import type { StreamEnd } from "../control/node-entry.ts";
import type { StreamSink, XdsSession } from "../control/sessions.ts";
import type { StreamEndReason, XdsCounters } from "../control/xds-counters.ts";
import type { NodeIdentity } from "../core/node/node.ts";
import { isSameNode } from "../core/node/node.ts";
import type { Dialect, Response } from "../core/xds/message.ts";
import type { Call, CallHandler } from "./call.ts";
import { bytesOf } from "./framing.ts";
import { readNode } from "./node-reader.ts";
import type { Pacer } from "./pacer.ts";
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
  const { reader, bytes, counters } = edge;
  let reason: StreamEndReason = "client";
  const paced = edge.pacer.stream({
    write: (message, done) => {
      const parts = bytes.framed(dialect, message);
      call.send(parts, done);
      return counters.wrote(message.typeUrl, bytesOf(parts));
    },
    get open() {
      return call.open;
    },
    stalled: () => {
      reason = "stalled";
      call.cut();
    },
  });
  const sink: StreamSink = {
    send: (response, isUrgent) => paced.send(response, isUrgent),
    end(how, why) {
      reason = REASON[how];
      if (how === "aged") call.retire(why);
      else call.end({ code: END[how], message: why });
    },
  };
  const session = edge.open(dialect, sink, typeUrl);
  const stream: Incoming = { call, dialect, session, reader, scope: typeUrl, asked: new Set(), node: undefined };
  const receive = dialect === "sotw" ? receiveSotw : receiveDelta;
  return {
    onMessage: (message) => {
      try {
        receive(stream, message);
      } catch (error) {
        if (!(error instanceof GrpcError)) throw error;
        // Whom the gate refuses it has told of already.
        const isRefused = error.status.code === STATUS.permissionDenied;
        reason = isRefused ? "refused" : "invalid";
        if (!isRefused) edge.onWarning(`an xDS stream of ${call.peer} is ended: ${error.message}`);
        call.end(error.status);
      }
    },
    onHalfClosed: () => call.end({ code: STATUS.ok, message: "" }),
    onClosed() {
      counters.ended[reason] += 1;
      session.onClosed();
    },
  };
}

/** An Envoy asks for a dozen types; what is kept for each is looked through again and again. */
const TYPES_LIMIT = 100;

/** The side of a stream that comes in. */
interface Incoming {
  readonly call: Call;
  readonly dialect: Dialect;
  readonly session: XdsSession;
  readonly reader: RequestReader;
  /** The type of its service, where that carries one only. */
  readonly scope: string | undefined;
  /** Types that were asked for so far. */
  readonly asked: Set<string>;
  /** Who the client said last that it is; kept only where somebody asks who may call. */
  node: NodeIdentity | undefined;
}

/** Counts the type and, where somebody decides who may call, asks for it: once, and again when the node changes (P54). */
function admit(stream: Incoming, typeUrl: string, node: NodeIdentity | undefined): void {
  const { asked, call } = stream;
  const isNew = !asked.has(typeUrl);
  if (isNew && asked.size >= TYPES_LIMIT) {
    throw new GrpcError(STATUS.invalidArgument, `one stream asks for more than ${TYPES_LIMIT} types of resources`);
  }
  if (isNew) asked.add(typeUrl);
  if (call.guarded) authorize(stream, isNew ? [typeUrl] : [], node);
}

function authorize(stream: Incoming, fresh: readonly string[], said: NodeIdentity | undefined): void {
  const { call, dialect: rpc, asked } = stream;
  const isOther = said !== undefined && (stream.node === undefined || !isSameNode(stream.node, said));
  if (isOther) stream.node = said;
  const { node } = stream;
  // A stream that does not say who it is gets no answer; its session ends it.
  if (node === undefined) return;
  for (const typeUrl of isOther ? asked : fresh) call.admit({ rpc, node, typeUrl });
}

function receiveSotw(stream: Incoming, bytes: Buffer): void {
  const { session, reader, scope } = stream;
  const { request, node: said } = reader.sotw(bytes);
  const ofType = typed(request, scope);
  if (ofType === undefined) return;
  const node = said === undefined ? undefined : readNode(said);
  admit(stream, ofType.typeUrl, node);
  session.onSotw(ofType, node);
}

function receiveDelta(stream: Incoming, bytes: Buffer): void {
  const { session, reader, scope } = stream;
  const { request, node: said } = reader.delta(bytes);
  const ofType = typed(request, scope);
  if (ofType === undefined) return;
  const node = said === undefined ? undefined : readNode(said);
  admit(stream, ofType.typeUrl, node);
  session.onDelta(ofType, node);
}

/**
 * The request with the type of its service. Undefined for one that names no type where any is allowed: an Envoy sends
 * that after a response that it had not asked for, and its stream goes on (rule N8).
 */
export function typed<R extends { readonly typeUrl: string }>(request: R, typeUrl: string | undefined): R | undefined {
  if (request.typeUrl === typeUrl) return request;
  if (typeUrl === undefined) return request.typeUrl === "" ? undefined : request;
  if (request.typeUrl === "") return { ...request, typeUrl };
  throw new GrpcError(
    STATUS.invalidArgument,
    `this service carries ${typeUrl} only, but ${JSON.stringify(request.typeUrl.slice(0, 200))} was asked for`,
  );
}
