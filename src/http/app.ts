import type { IncomingMessage } from "node:http";
import { Hono } from "hono";
import { failed, json, Refusal, text } from "./answer.ts";
import type { Backend, Serving } from "./backend.ts";
import { COMPONENTS } from "./components.ts";
import { refuseStrangers } from "./guard.ts";
import type { Metrics } from "./metrics.ts";
import { openApi } from "./openapi.ts";
import { type Operation, operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { page } from "./page/page.ts";
import { DISCOVERY, discover } from "./route/discovery.ts";

export interface AppOptions {
  readonly backend: Serving;
  readonly metrics: Metrics;
  /** Is it bound to an address that only this machine reaches? */
  readonly isLoopback: () => boolean;
}

/** What the server that listens gives beside each request. */
interface Env {
  readonly incoming?: Pick<IncomingMessage, "socket">;
}

/** The whole HTTP surface as a function from requests to responses. It never rejects. */
export function createApp({
  backend,
  metrics,
  isLoopback,
}: AppOptions): (request: Request, env: Env) => Promise<Response> {
  const operations = [...OPERATIONS, ...describingOperations(metrics)];
  const app = new Hono<{ Bindings: Env }>();
  for (const one of operations) {
    app.on(one.method, honoPath(one.path), (c) => one.run(backend, c.req.raw, c.req.param()));
  }
  for (const path of new Set(operations.map((one) => one.path)))
    app.all(honoPath(path), () => wrongMethod(path, operations));
  for (const [path, typeUrl] of DISCOVERY) {
    app.post(path, (c) => discover(backend, c.req.raw, { typeUrl, address: addressOf(c.env) }));
    app.all(path, () =>
      json(405, { error: { code: "wrong-method", message: `${path} takes POST` } }, { allow: "POST" }),
    );
  }
  app.notFound(notFound);
  app.onError((error, c) => {
    if (!(error instanceof Refusal)) report(backend, c.req.raw, error);
    return failed(error);
  });
  return async (request, env) => {
    let response: Response;
    try {
      // An Envoy that polls calls this server by the name of its own cluster; what it asks has a guard of its own.
      if (!DISCOVERY.has(new URL(request.url).pathname)) refuseStrangers(request, isLoopback());
      refuseBrokenPath(request);
      response = await app.fetch(request, env);
    } catch (error) {
      response = failed(error);
    }
    metrics.answered(request.method, response.status);
    return response;
  };
}

/** Who asks, for people; over a socket file there are no addresses. */
function addressOf({ incoming }: Env): string {
  const { remoteAddress, remotePort } = incoming?.socket ?? {};
  return remoteAddress === undefined ? "a client on this machine" : `${remoteAddress}:${remotePort}`;
}

/** Those that describe the others or themselves. */
function describingOperations(metrics: Metrics): Operation[] {
  const document: Operation = operation({
    method: "get",
    path: "/v1/openapi.json",
    summary: "This document.",
    answers: { 200: { means: "OpenAPI 3.1", type: "application/json" } },
    handle: ({ backend }) => json(200, openApi([...OPERATIONS, document, scrape, page], COMPONENTS, backend.version)),
  });
  const scrape = operation({
    method: "get",
    path: "/metrics",
    summary: "Metrics in Prometheus text; no label has a node's name.",
    answers: { 200: { means: "the metrics", type: "text/plain" } },
    handle: async () => text(200, await metrics.scrape(), metrics.contentType),
  });
  return [document, scrape, page];
}

function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

function wrongMethod(path: string, operations: readonly Operation[]): Response {
  const methods = operations.filter((one) => one.path === path).map(({ method }) => method.toUpperCase());
  if (methods.includes("GET")) methods.push("HEAD");
  const allow = methods.join(", ");
  return json(405, { error: { code: "wrong-method", message: `${path} takes ${allow}` } }, { allow });
}

function notFound(): Response {
  return json(404, {
    error: { code: "not-found", message: "there is nothing here; GET /v1/openapi.json lists what there is" },
  });
}

function refuseBrokenPath(request: Request): void {
  const { pathname } = new URL(request.url);
  try {
    decodeURIComponent(pathname);
  } catch {
    throw new Refusal(400, "bad-path", "the path is not well encoded: after % come two hex digits of UTF-8");
  }
}

/** A failed operation is the caller's to know; a defect is ours. */
function report({ log }: Backend, request: Request, error: Error): void {
  const { pathname } = new URL(request.url);
  if (error.name === "ControlError") log.info({ err: error }, `${request.method} ${pathname} was refused`);
  else log.error({ err: error }, `${request.method} ${pathname} failed`);
}
