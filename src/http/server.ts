import { rm, stat } from "node:fs/promises";
import type { Server } from "node:http";
import { connect } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { boundedWarnings } from "../control/bounded-warnings.ts";
import { ControlError } from "../core/failure/control-error.ts";
import { type Address, isLoopbackAddress, readAddress } from "./address.ts";
import { createApp } from "./app.ts";
import type { Backend } from "./backend.ts";
import { answerBrokenRequests } from "./broken-request.ts";
import { createMetrics } from "./metrics.ts";
import { releaseVersion } from "./release.ts";

export interface HttpServer {
  /**
   * Listens on `127.0.0.1:7070` (port 0: a free one) or `unix:/path`.
   *
   * @returns the URL for people, `unix:/path` for a socket
   * @throws ControlError `invalid` for what is not an address, `conflict` where it is taken
   */
  listen(address: string): Promise<{ readonly url: string }>;
  /** Ends streams, lets requests under way finish for a second, and frees the address. */
  close(): Promise<void>;
}

const GRACE_MS = 1_000;

/** The HTTP edge: API, status page, metrics and probes of one control plane. */
export function createHttpServer(backend: Backend): HttpServer {
  const closing = new AbortController();
  let isLoopback = true;
  const warn = boundedWarnings((message) => backend.log.warn({}, message), Date.now);
  const serving = { ...backend, warn, closing: closing.signal, version: releaseVersion() };
  const metrics = createMetrics(serving);
  const fetch = createApp({ backend: serving, metrics, isLoopback: () => isLoopback });
  const server = createAdaptorServer({ fetch, overrideGlobalObjects: false }) as Server;
  answerBrokenRequests(server);
  return {
    async listen(text) {
      const address = readAddress(text);
      await (address.kind === "unix" ? listenOnSocket(server, address.path) : listenOnPort(server, address));
      const bound = server.address();
      if (bound === null || typeof bound === "string") {
        isLoopback = false;
        return { url: text };
      }
      isLoopback = isLoopbackAddress(bound.address);
      const host = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
      return { url: `http://${host}:${bound.port}` };
    },
    async close() {
      closing.abort();
      metrics.close();
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

function listenOnPort(server: Server, { host, port }: Extract<Address, { kind: "tcp" }>): Promise<void> {
  return started(server, () => server.listen({ host, port }), `${host}:${port}`);
}

/** A socket file whose server is gone is replaced; one that answers is not. */
async function listenOnSocket(server: Server, path: string): Promise<void> {
  if ((await isSocket(path)) && (await isAbandoned(path))) await rm(path);
  await started(server, () => withMask(0o177, () => server.listen(path)), path);
}

/** Whoever may open the socket may change the fleet: only its owner, from the first moment. Node binds within the call. */
function withMask(mask: number, listen: () => void): void {
  const before = process.umask(mask);
  try {
    listen();
  } finally {
    process.umask(before);
  }
}

/** Whatever else stands there is somebody's file: listening fails, and it stays. */
async function isSocket(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isSocket() === true;
}

function isAbandoned(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
}

function started(server: Server, listen: () => void, where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(notListening(error, where));
    server.once("error", fail);
    server.once("listening", () => {
      server.off("error", fail);
      resolve();
    });
    listen();
  });
}

function notListening(error: NodeJS.ErrnoException, where: string): ControlError {
  if (error.code === "EADDRINUSE") {
    const message = `${where} is in use by another process; stop it, or choose another address with --http`;
    return new ControlError("conflict", message, { cause: error });
  }
  return new ControlError("invalid", `cannot listen on ${where}: ${error.message}`, { cause: error });
}
