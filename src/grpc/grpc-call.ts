import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import type { Access, Peer } from "../control/access.ts";
import type { Call, CallHandler, Method } from "./call.ts";
import type { Decompress } from "./compression.ts";
import { ACCEPTED_ENCODINGS, decompressOf } from "./compression.ts";
import { timeoutOf } from "./deadline.ts";
import type { Framed, ReceiveBudget } from "./framing.ts";
import { FrameReader } from "./framing.ts";
import { peerOf } from "./peer.ts";
import type { GrpcStatus } from "./status.ts";
import { GrpcError, STATUS, trailersOf } from "./status.ts";

/** What all calls of a server share. */
export interface CallSettings {
  readonly maxReceiveBytes: number;
  readonly budget: ReceiveBudget;
  readonly onWarning: (message: string) => void;
  /** Says who may call, by GrpcError PERMISSION_DENIED who may not; undefined: everybody may. */
  readonly gate: ((access: Access) => void) | undefined;
  /** A call has ended, whoever ended it. */
  readonly onOver: (call: GrpcCall) => void;
}

const NO_HEADERS: IncomingHttpHeaders = {};

const OK_HEADERS = {
  ":status": 200,
  "content-type": "application/grpc",
  "grpc-accept-encoding": ACCEPTED_ENCODINGS,
} as const;

const CALL = Symbol("the call of a stream");

interface Attached extends ServerHttp2Stream {
  [CALL]: GrpcCall;
}

// One function for all streams, instead of one for each: a stream knows its call.
function onOver(this: ServerHttp2Stream): void {
  (this as Attached)[CALL].onStream("over");
}

function onWantTrailers(this: ServerHttp2Stream): void {
  (this as Attached)[CALL].onStream("want-trailers");
}

function onData(this: ServerHttp2Stream, chunk: Buffer): void {
  (this as Attached)[CALL].onStream(chunk);
}

function onEnd(this: ServerHttp2Stream): void {
  (this as Attached)[CALL].onStream("end");
}

/** Calls that are open, by connection. */
const openCalls = new WeakMap<Http2Session, number>();

function countCall(session: Http2Session | undefined, change: 1 | -1): void {
  if (session !== undefined) openCalls.set(session, (openCalls.get(session) ?? 0) + change);
}

/** A call over a stream of node:http2. */
export class GrpcCall implements Call {
  readonly #path: string;
  #headers: IncomingHttpHeaders;
  readonly #stream: ServerHttp2Stream;
  readonly #session: Http2Session | undefined;
  readonly #settings: CallSettings;
  readonly #reader: FrameReader;
  #handler: CallHandler | undefined;
  #decompress: Decompress | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #status: GrpcStatus | undefined;
  /** A message is being decompressed: those behind it wait. */
  #busy = false;
  #halfClosed = false;
  #over = false;
  #admitted: boolean;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, settings: CallSettings) {
    this.#stream = stream;
    this.#session = stream.session;
    countCall(this.#session, 1);
    this.#path = headers[":path"] ?? "";
    this.#headers = headers;
    this.#settings = settings;
    this.#admitted = settings.gate === undefined;
    this.#reader = new FrameReader(settings.maxReceiveBytes, settings.budget);
    (stream as Attached)[CALL] = this;
    stream.on("error", onOver);
    stream.on("close", onOver);
    stream.on("wantTrailers", onWantTrailers);
  }

  /** What the stream tells; called by its listeners. */
  onStream(what: "over" | "want-trailers" | "end" | Buffer): void {
    if (what === "over") this.#finish();
    else if (what === "want-trailers") this.#sendTrailers();
    else if (what === "end") {
      this.#halfClosed = true;
      this.#drain();
    } else this.#receive(what);
  }

  get headers(): IncomingHttpHeaders {
    return this.#headers;
  }

  get open(): boolean {
    return !this.#over;
  }

  get peer(): string {
    return this.#peer.address;
  }

  get #peer(): Peer {
    return peerOf(this.#stream.session);
  }

  get guarded(): boolean {
    return this.#settings.gate !== undefined;
  }

  admit(asked: Omit<Access, "peer">): void {
    this.#settings.gate?.({ peer: this.#peer, ...asked });
    this.#admitted = true;
  }

  /** Reads the headers and begins; a call whose headers are bad ends here. */
  start(method: Method): void {
    this.#guard(() => {
      const timeout = timeoutOf(headerOf(this.#headers, "grpc-timeout"));
      this.#decompress = decompressOf(headerOf(this.#headers, "grpc-encoding"));
      if (timeout !== undefined) this.#deadline = setTimeout(() => this.end(DEADLINE), timeout);
      this.#handler = method(this);
    });
    this.#headers = NO_HEADERS;
    if (!this.open) {
      this.#handler?.onClosed();
      this.#handler = undefined;
    }
    this.#stream.on("data", onData);
    this.#stream.on("end", onEnd);
  }

  send(message: Framed, done: () => void = () => {}): void {
    if (!this.#isWritable()) {
      done();
      return;
    }
    if (!this.#admitted) {
      done();
      this.fail(new Error("an answer was about to be sent before anybody was asked whether the client may have it"));
      return;
    }
    const stream = this.#stream;
    if (!stream.headersSent) stream.respond(OK_HEADERS, { waitForTrailers: true });
    const last = message.length - 1;
    if (last > 0) stream.cork();
    for (let index = 0; index < last; index += 1) stream.write(message[index]);
    stream.write(message[last], done);
    if (last > 0) stream.uncork();
  }

  end(status: GrpcStatus): void {
    if (this.#over) return;
    if (this.#isWritable()) {
      this.#status = status;
      if (this.#stream.headersSent) this.#stream.end();
      else {
        this.#stream.respond({ ...OK_HEADERS, ...trailersOf(status) }, { endStream: true });
        this.#hangUp();
      }
    }
    this.#finish();
  }

  retire(message: string): void {
    const session = this.#session;
    this.end({ code: STATUS.ok, message });
    // The trailers leave first; and the client may have begun another call meanwhile.
    setImmediate(() => {
      if (session !== undefined && !session.destroyed && !session.closed && openCalls.get(session) === 0)
        session.close();
    });
  }

  hold(): () => void {
    this.#busy = true;
    this.#stream.pause();
    return () => {
      this.#busy = false;
      this.#drain();
      this.#stream.resume();
    };
  }

  cut(): void {
    this.#finish();
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #isWritable(): boolean {
    return !this.#over && !this.#stream.destroyed && !this.#stream.closed;
  }

  #receive(chunk: Buffer): void {
    // What comes in after the end is thrown away, so that the stream can close.
    if (this.#over) return;
    try {
      this.#reader.push(chunk);
      this.#take();
    } catch (error) {
      this.fail(error);
    }
  }

  #drain(): void {
    this.#guard(() => this.#take());
  }

  /** Takes the messages that have come in whole. */
  #take(): void {
    while (!this.#over && !this.#busy) {
      const message = this.#reader.next();
      if (message === undefined) {
        if (this.#halfClosed) this.#endOfRequests();
        return;
      }
      if (this.#reader.compressed) this.#unpack(message);
      else this.#handler?.onMessage(message);
    }
  }

  #endOfRequests(): void {
    if (this.#reader.isMidway) throw new GrpcError(STATUS.internal, "the client stopped within a message");
    this.#halfClosed = false;
    this.#handler?.onHalfClosed();
  }

  #unpack(message: Buffer): void {
    if (this.#decompress === undefined) {
      throw new GrpcError(STATUS.internal, "a message is marked as compressed, but no grpc-encoding was said");
    }
    this.#busy = true;
    this.#stream.pause();
    this.#decompress(message, this.#settings.maxReceiveBytes).then(
      (bytes) => {
        this.#busy = false;
        this.#guard(() => {
          if (!this.#over) this.#handler?.onMessage(bytes);
        });
        this.#drain();
        this.#stream.resume();
      },
      (error: unknown) => {
        this.fail(error);
        this.#stream.resume();
      },
    );
  }

  /** Nothing that a client sends, and no defect of a method, reaches further than this call. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    if (error instanceof GrpcError) {
      this.end(error.status);
      return;
    }
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#settings.onWarning(`a call of ${this.peer} to ${this.#path} failed: ${why}`);
    this.end({ code: STATUS.internal, message: "this server failed; its log says why" });
  }

  #sendTrailers(): void {
    if (this.#stream.destroyed) return;
    this.#stream.sendTrailers(trailersOf(this.#status ?? UNSAID));
    this.#hangUp();
  }

  /** Once the status is on its way the client is told to stop sending, where it has not. */
  #hangUp(): void {
    setImmediate(() => {
      if (!this.#stream.destroyed && !this.#stream.closed) this.#stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    countCall(this.#session, -1);
    this.#settings.onOver(this);
    clearTimeout(this.#deadline);
    this.#reader.release();
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.onClosed();
  }
}

const DEADLINE: GrpcStatus = { code: STATUS.deadlineExceeded, message: "the client's deadline has passed" };
const UNSAID: GrpcStatus = { code: STATUS.internal, message: "the call ended without a status" };

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}
