import type { ServerDuplexStream } from "@grpc/grpc-js";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import type { StreamEnd } from "../control/node-entry.ts";
import type { StreamSink, XdsSession } from "../control/sessions.ts";
import type { NodeIdentity } from "../core/node/node.ts";
import type { Dialect, ErrorDetail, Response } from "../core/xds/message.ts";
import type { WireDeltaRequest, WireSotwRequest, WireStatus } from "./envelope.ts";
import { AGGREGATED_DISCOVERY, decodeNode } from "./envelope.ts";
import type { PacedWriter } from "./pacer.ts";
import { Pacer } from "./pacer.ts";
import { responseBytes } from "./response-bytes.ts";

/** What an xDS server needs of the control plane, and how it presents itself. */
export interface XdsServerOptions {
  readonly open: (dialect: Dialect, sink: StreamSink) => XdsSession;
  /** Shown by Envoy as `control_plane.identifier` (rule R10, P64). */
  readonly identifier: () => string;
  readonly onWarning: (message: string) => void;
}

/** A listening xDS server. */
export interface XdsListener {
  readonly port: number;
  /** Ends what is open and stops listening; streams still there after `graceMs` are cut. */
  close(graceMs: number): Promise<void>;
}

type Call = ServerDuplexStream<WireSotwRequest | WireDeltaRequest, Buffer>;

/** Reconnects of Envoys with thousands of resources pass the default limit of 4 MiB (P61). */
const MAX_RECEIVE_BYTES = 64 * 1024 * 1024;

/** A dead peer is noticed within a minute; streams are ended by us and not by the server's age options (they cut streams). */
const KEEPALIVE = { "grpc.keepalive_time_ms": 30_000, "grpc.keepalive_timeout_ms": 20_000 };

/**
 * Serves ADS, both dialects, in plain text.
 *
 * @param address `HOST:PORT`; port 0 takes a free one
 * @throws Error with the address and the reason where it cannot be listened on
 */
export async function listenXds(address: string, options: XdsServerOptions): Promise<XdsListener> {
  const server = new Server({
    "grpc.max_receive_message_length": MAX_RECEIVE_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.enable_channelz": 0,
    ...KEEPALIVE,
  });
  const pacer = new Pacer();
  server.addService(AGGREGATED_DISCOVERY, {
    streamAggregatedResources: (call: Call) => serve("sotw", call, pacer, options),
    deltaAggregatedResources: (call: Call) => serve("delta", call, pacer, options),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new Error(`cannot listen for xDS on ${address}: ${error.message}`, { cause: error }));
    });
  });
  return { port, close: (graceMs) => shutDown(server, graceMs) };
}

async function shutDown(server: Server, graceMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const cut = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(cut);
      resolve();
    });
  });
}

function serve(dialect: Dialect, call: Call, pacer: Pacer, options: XdsServerOptions): void {
  let open = true;
  const finish = (): void => {
    if (!open) return;
    open = false;
    session.onClosed();
  };
  const writer: PacedWriter = {
    write: (bytes, done) => void call.write(bytes, done),
    get open() {
      return open;
    },
  };
  const sink: StreamSink = {
    send(response: Response) {
      pacer.submit(writer, responseBytes(dialect, response, options.identifier()));
    },
    end(how, why) {
      open = false;
      if (how === "ok") call.end();
      else call.emit("error", { code: STATUS[how], details: why });
    },
  };
  const session = options.open(dialect, sink);
  call.on("data", (request) => {
    try {
      if (dialect === "sotw") receiveSotw(session, request as WireSotwRequest);
      else receiveDelta(session, request as WireDeltaRequest);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      options.onWarning(`an xDS request from ${call.getPeer()} could not be read: ${why}; its stream is ended`);
      sink.end("invalid-argument", `the request could not be read: ${why}`);
      session.onClosed();
    }
  });
  call.on("end", () => {
    finish();
    call.end();
  });
  call.on("cancelled", finish);
  call.on("close", finish);
  call.on("error", finish);
}

const STATUS: Readonly<Record<Exclude<StreamEnd, "ok">, number>> = {
  unavailable: status.UNAVAILABLE,
  "invalid-argument": status.INVALID_ARGUMENT,
};

function receiveSotw(session: XdsSession, request: WireSotwRequest): void {
  const { typeUrl, versionInfo, resourceNames: names, responseNonce: nonce } = request;
  const message = { typeUrl, versionInfo, names, nonce, ...errorOf(request.errorDetail) };
  session.onSotw(message, identityOf(request.node));
}

function receiveDelta(session: XdsSession, request: WireDeltaRequest): void {
  const message = {
    typeUrl: request.typeUrl,
    subscribe: request.resourceNamesSubscribe,
    unsubscribe: request.resourceNamesUnsubscribe,
    initialVersions: new Map(Object.entries(request.initialResourceVersions)),
    nonce: request.responseNonce,
    ...errorOf(request.errorDetail),
  };
  session.onDelta(message, identityOf(request.node));
}

function errorOf(detail: WireStatus | null): { error?: ErrorDetail } {
  return detail === null ? {} : { error: { code: detail.code, message: detail.message } };
}

/** The node of a request, where it carries one. */
function identityOf(bytes: Buffer): NodeIdentity | undefined {
  if (bytes.length === 0) return undefined;
  const node = decodeNode(bytes);
  const labels: [string, string][] = [];
  for (const [key, value] of Object.entries(node.metadata?.fields ?? {})) {
    if (value.stringValue !== undefined) labels.push([key, value.stringValue]);
  }
  const version = node.userAgentBuildVersion?.version;
  return {
    id: node.id,
    cluster: node.cluster,
    labels: Object.fromEntries(labels.sort(([a], [b]) => (a < b ? -1 : 1))),
    zone: node.locality?.zone ?? "",
    envoyVersion:
      version === null || version === undefined ? node.userAgentVersion : `${version.majorNumber}.${version.minorNumber}.${version.patch}`,
  };
}
