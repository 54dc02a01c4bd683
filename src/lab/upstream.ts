import { createServer as createHttp1Server, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";

/** How a version of the service behaves; all of it can be changed while it runs. */
export interface Behaviour {
  /** Before each answer. */
  readonly delayMs: number;
  /** Share of requests answered with 503, 0 to 1: evenly spread, so that the same load gives the same failures. */
  readonly failureRate: number;
}

export interface UpstreamOptions extends Partial<Behaviour> {
  /** What `x-served-by` says. */
  readonly version: string;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  readonly protocol?: "http2" | "http1";
  /** What an HTTP/2 server announces in its SETTINGS; 250 by default. */
  readonly maxConcurrentStreams?: number;
}

export interface UpstreamCounters {
  readonly requests: number;
  /** Connections accepted since the start. */
  readonly connections: number;
  readonly open: number;
}

export interface Upstream {
  readonly version: string;
  readonly port: number;
  /** `127.0.0.1:9001`. */
  readonly address: string;
  set(behaviour: Partial<Behaviour>): void;
  counters(): UpstreamCounters;
  close(): Promise<void>;
}

type AnyRequest = IncomingMessage | Http2ServerRequest;
type AnyResponse = ServerResponse | Http2ServerResponse;

/**
 * One version of a service on loopback: cleartext HTTP/2 with prior knowledge, or HTTP/1.1 to compare with.
 * A request may ask for a slow or a failing answer with the headers `x-delay-ms` and `x-fail-with`.
 */
export async function startUpstream(options: UpstreamOptions): Promise<Upstream> {
  let behaviour: Behaviour = { delayMs: options.delayMs ?? 0, failureRate: options.failureRate ?? 0 };
  const seen = { requests: 0, connections: 0, due: 0 };
  const sockets = new Set<Socket>();
  const answer = (request: AnyRequest, response: AnyResponse): void => {
    seen.requests += 1;
    seen.due += behaviour.failureRate;
    const fails = seen.due >= 1;
    if (fails) seen.due -= 1;
    const status = Number(request.headers["x-fail-with"] ?? (fails ? 503 : 200));
    const delayMs = Number(request.headers["x-delay-ms"] ?? behaviour.delayMs);
    const send = (): void => reply(response, status, options.version);
    if (delayMs > 0) setTimeout(send, delayMs);
    else send();
  };
  const server: Server =
    options.protocol === "http1"
      ? createHttp1Server({ keepAliveTimeout: 60_000 }, answer)
      : createHttp2Server({ settings: { maxConcurrentStreams: options.maxConcurrentStreams ?? 250 } }, answer);
  server.on("connection", (socket: Socket) => {
    seen.connections += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  const port = await listen(server, options.port ?? 0);
  return {
    version: options.version,
    port,
    address: `127.0.0.1:${port}`,
    set: (change) => {
      behaviour = { ...behaviour, ...change };
    },
    counters: () => ({ requests: seen.requests, connections: seen.connections, open: sockets.size }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function reply(response: AnyResponse, status: number, version: string): void {
  if (response.destroyed || response.writableEnded) return;
  const body = `${JSON.stringify({ service: "reviews", version, stars: status === 200 ? 5 : null })}\n`;
  const headers = { "content-type": "application/json", "x-served-by": version };
  if ("stream" in response) response.writeHead(status, headers).end(body);
  else (response as ServerResponse).writeHead(status, headers).end(body);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1", backlog: 4096 }, () => {
      server.off("error", reject);
      server.on("error", () => {});
      resolve((server.address() as AddressInfo).port);
    });
  });
}
