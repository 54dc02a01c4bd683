import type {
  Http2SecureServer,
  Http2Server,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from "node:http2";
import { constants, createSecureServer, createServer } from "node:http2";
import type { AddressInfo, ListenOptions, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Access } from "../control/access.ts";
import type { TlsMaterial } from "../control/tls.ts";
import type { Routes } from "./call.ts";
import { ReceiveBudget } from "./framing.ts";
import type { CallSettings } from "./grpc-call.ts";
import { GrpcCall } from "./grpc-call.ts";
import { Keepalive } from "./keepalive.ts";
import { peerOf } from "./peer.ts";
import { STATUS } from "./status.ts";
import type { ClientCertificates } from "./tls.ts";
import { clientCertificatesOf, secured } from "./tls.ts";

/** What a gRPC server serves, and where it tells of what is wrong with its clients. */
export interface GrpcServerOptions {
  readonly routes: Routes;
  readonly onWarning: (message: string) => void;
  /** The longest request, in bytes. */
  readonly maxReceiveBytes: number;
  /** How often each connection is pinged, in milliseconds; one that does not answer is cut a round later. */
  readonly keepaliveMs: number;
  /** Throws GrpcError PERMISSION_DENIED for whoever may not call; without it everybody may. */
  readonly gate?: ((access: Access) => void) | undefined;
  /** Serves over TLS; without it in plain text. */
  readonly tls?: TlsMaterial | undefined;
  /** A connection that is not secured after this long is cut, in milliseconds; 10 s. */
  readonly handshakeMs?: number | undefined;
}

/** A listening gRPC server. */
export interface GrpcListener {
  readonly port: number;
  /**
   * New connections are secured with this; those that there are go on.
   *
   * @throws Error where it cannot be used, and what there was stays
   */
  setTls(material: TlsMaterial): void;
  /** Stops listening and ends every call, then every connection; what is still there after `graceMs` is cut. */
  close(graceMs: number): Promise<void>;
}

/** Unfinished requests over all streams, as a multiple of the longest one. */
const BUDGET_MESSAGES = 8;

/** Reconnecting fleets queue here instead of being refused. */
const BACKLOG = 4_096;

const SESSION = {
  /** In MB, over all streams of a connection: with Node's 10 a connection with thousands of streams is refused new ones. */
  maxSessionMemory: 1_000,
  maxHeaderListPairs: 1_000,
  settings: {
    maxConcurrentStreams: 100_000,
    /** What a client may send on a stream before it has to wait: large reconnect requests need few rounds. */
    initialWindowSize: 1 << 20,
    maxHeaderListSize: 256 * 1_024,
    enablePush: false,
  },
};

/** The same over all streams of a connection. */
const CONNECTION_WINDOW_BYTES = 8 << 20;

const HANDSHAKE_MS = 10_000;

const NO_CERTIFICATE = {
  code: STATUS.unauthenticated,
  message: "this server takes calls only from clients with a certificate that its client CA has signed",
};

const CLOSING = { code: STATUS.unavailable, message: "this server is shutting down" };

/**
 * Serves gRPC over HTTP/2, in plain text or over TLS.
 *
 * @throws Error of node:net where the address cannot be listened on; where the material for TLS cannot be used
 */
export async function listenGrpc(address: ListenOptions, options: GrpcServerOptions): Promise<GrpcListener> {
  const server = new GrpcServer(options);
  await server.listen(address);
  return server;
}

class GrpcServer implements GrpcListener {
  readonly #routes: Routes;
  readonly #settings: CallSettings;
  readonly #keepalive: Keepalive;
  readonly #server: Http2Server | Http2SecureServer;
  readonly #certificates: ClientCertificates | undefined;
  readonly #sessions = new Set<ServerHttp2Session>();
  /** Over TLS: also those that are no sessions yet, or never will be. */
  readonly #sockets = new Set<Socket>();
  readonly #calls = new Set<GrpcCall>();
  #closing = false;

  constructor({ routes, onWarning, maxReceiveBytes, keepaliveMs, ...rest }: GrpcServerOptions) {
    const { tls, gate, handshakeMs = HANDSHAKE_MS } = rest;
    this.#routes = routes;
    this.#certificates = tls === undefined ? undefined : clientCertificatesOf(tls);
    this.#server =
      tls === undefined
        ? createServer(SESSION)
        : createSecureServer({ ...SESSION, ...secured(tls), handshakeTimeout: handshakeMs });
    this.#settings = {
      maxReceiveBytes,
      onWarning,
      gate,
      budget: new ReceiveBudget(BUDGET_MESSAGES * maxReceiveBytes),
      onOver: (call) => this.#calls.delete(call),
    };
    this.#keepalive = new Keepalive(keepaliveMs);
    this.#server.on("session", (session) => this.#accept(session));
    this.#server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => this.#open(stream, headers));
    if (tls !== undefined) this.#server.on("connection", (socket: Socket) => this.#watch(socket));
    // A client that does not trust this server, and one whose certificates it cannot read.
    this.#server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      onWarning(`a TLS handshake with ${socket.remoteAddress ?? "a client that is gone"} failed: ${error.message}`);
    });
  }

  setTls(material: TlsMaterial): void {
    const { asked, required } = clientCertificatesOf(material);
    if (this.#certificates === undefined || !("setSecureContext" in this.#server))
      throw new Error("this server was begun in plain text; begin it with tls to exchange certificates");
    if (asked !== this.#certificates.asked || required !== this.#certificates.required)
      throw new Error("whether clients are asked for certificates cannot be changed while the server runs");
    this.#server.setSecureContext(secured(material));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  async listen(address: ListenOptions): Promise<void> {
    const server = this.#server;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ ...address, backlog: BACKLOG }, () => {
          server.off("error", reject);
          resolve();
        });
      });
    } catch (error) {
      this.#keepalive.stop();
      throw error;
    }
    server.on("error", (error: Error) => this.#settings.onWarning(`the xDS listener: ${error.message}`));
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#keepalive.stop();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const call of this.#calls) call.end(CLOSING);
    // Trailers leave before the connection says that it goes.
    await new Promise((resolve) => setImmediate(resolve));
    for (const session of this.#sessions) session.close();
    const cut = setTimeout(() => {
      for (const session of this.#sessions) session.destroy();
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(cut);
  }

  #watch(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  #accept(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.on("close", () => {
      this.#sessions.delete(session);
      this.#keepalive.forget(session);
    });
    // What is wrong with one connection is that connection's end: Node has destroyed it by now.
    session.on("error", ignore);
    if (this.#closing) {
      session.close();
      return;
    }
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    this.#keepalive.watch(session);
  }

  #open(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    if (headers[":method"] !== "POST" || headers["content-type"]?.startsWith("application/grpc") !== true) {
      refuseOtherHttp(stream, headers);
      return;
    }
    const call = new GrpcCall(stream, headers, this.#settings);
    this.#calls.add(call);
    const method = this.#routes.get(headers[":path"] ?? "");
    if (this.#closing) call.end(CLOSING);
    else if (this.#certificates?.required === true && peerOf(stream.session).certificate === undefined) {
      this.#settings.onWarning(`${call.peer} has shown no certificate that the client CA has signed`);
      call.end(NO_CERTIFICATE);
    } else if (method === undefined) {
      call.end({ code: STATUS.unimplemented, message: `there is no method ${headers[":path"]}` });
    } else call.start(method);
    if (!call.open) stream.resume();
  }
}

function ignore(): void {}

/** Who speaks HTTP/2 but not gRPC gets an answer of HTTP. */
function refuseOtherHttp(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  stream.on("error", () => {});
  const isPost = headers[":method"] === "POST";
  stream.respond({ ":status": isPost ? 415 : 405, ...(isPost ? {} : { allow: "POST" }), "content-length": 0 });
  // What it goes on to send is of no interest.
  stream.end(() => setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR)));
  stream.resume();
}
