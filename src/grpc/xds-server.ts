import type { Access, Authorize } from "../control/access.ts";
import { refusalOf } from "../control/access.ts";
import { boundedWarnings } from "../control/bounded-warnings.ts";
import type { Fetched } from "../control/fetches.ts";
import type { StreamSink, XdsSession } from "../control/sessions.ts";
import type { TlsMaterial } from "../control/tls.ts";
import { XdsCounters } from "../control/xds-counters.ts";
import type { NodeIdentity } from "../core/node/node.ts";
import type { AdmissionLimits } from "../core/xds/admission.ts";
import type { Dialect, Response, SotwRequest } from "../core/xds/message.ts";
import { listenAddress } from "./address.ts";
import type { Method, Routes } from "./call.ts";
import type { GrpcListener } from "./grpc-server.ts";
import { listenGrpc } from "./grpc-server.ts";
import { LongResponses } from "./long-responses.ts";
import { NewStreams } from "./new-streams.ts";
import { Pacer } from "./pacer.ts";
import { RequestReader } from "./request-reader.ts";
import { ResponseBytes } from "./response-bytes.ts";
import { GrpcError, STATUS } from "./status.ts";
import { fetchMethod } from "./xds-fetch.ts";
import { XDS_SERVICES } from "./xds-services.ts";
import { serveStream } from "./xds-stream.ts";

/** What an xDS server needs of the control plane, and how it presents itself. */
export interface XdsServerOptions {
  /** A stream has come, for one type or (undefined) for all. */
  readonly open: (dialect: Dialect, sink: StreamSink, typeUrl?: string) => XdsSession;
  /** A request has come that stands for itself; without this, there are no methods for such requests. */
  readonly fetch?: (request: SotwRequest, node: NodeIdentity | undefined) => Promise<Fetched>;
  /** Shown by Envoy as `control_plane.identifier` (rule R10, P64). */
  readonly identifier: () => string;
  readonly onWarning: (message: string) => void;
  /** Where it is counted what goes over the wire. */
  readonly counters?: XdsCounters;
  /** Further methods, by path: services that Envoys call besides those of discovery. */
  readonly more?: Routes;
  /** How often each connection is pinged, in milliseconds; 20 s. One that does not answer is cut a round later. */
  readonly keepaliveMs?: number;
  /** A client that takes nothing of a response for this long is given up, in milliseconds; 60 s. */
  readonly stallMs?: number;
  /** Decides who may have what, over all methods, those in `more` too; without it everybody may (P55, P56). */
  readonly authorize?: Authorize | undefined;
  /** Serves over TLS; without it in plain text. */
  readonly tls?: TlsMaterial | undefined;
  /** A connection whose TLS handshake takes longer is cut, in milliseconds; 10 s. */
  readonly handshakeMs?: number;
  /** Bytes that are written and have not left yet, over all streams; 128 MiB. */
  readonly maxUnsentBytes?: number;
  /** How fast new streams are taken: 10,000 at once, 1,000 a second beyond those, 10,000 may wait, the rest is refused. */
  readonly newStreams?: Partial<AdmissionLimits>;
}

/** A listening xDS server. */
export interface XdsListener {
  readonly port: number;
  /**
   * Exchanges the certificates: for new connections, those that there are go on.
   *
   * @throws Error where they cannot be used, and what there was stays
   */
  setTls(material: TlsMaterial): void;
  /** Ends what is open and stops listening; streams still there after `graceMs` are cut. */
  close(graceMs: number): Promise<void>;
}

/** Reconnects of Envoys with thousands of resources pass the usual limit of 4 MiB (P61). */
const MAX_RECEIVE_BYTES = 64 * 1024 * 1024;

/** A dead peer is noticed within a minute: after two rounds. */
const KEEPALIVE_MS = 20_000;

/**
 * Serves xDS, in plain text or over TLS.
 *
 * @param address `HOST:PORT`; port 0 takes a free one
 * @throws Error with the address and the reason where it cannot be listened on
 */
export async function listenXds(address: string, options: XdsServerOptions): Promise<XdsListener> {
  try {
    return await listen(address, options);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot listen for xDS on ${address}: ${why}`, { cause: error });
  }
}

async function listen(address: string, given: XdsServerOptions): Promise<GrpcListener> {
  const options = { ...given, onWarning: boundedWarnings(given.onWarning, Date.now) };
  const { authorize, tls, handshakeMs } = options;
  return listenGrpc(listenAddress(address), {
    routes: xdsRoutes(options),
    onWarning: options.onWarning,
    gate: authorize === undefined ? undefined : gateOf(authorize, options),
    tls,
    handshakeMs,
    maxReceiveBytes: MAX_RECEIVE_BYTES,
    keepaliveMs: options.keepaliveMs ?? KEEPALIVE_MS,
  });
}

/** What keeps out whom the hook refuses: the client is told no more than it has said itself. */
function gateOf(authorize: Authorize, { onWarning, counters }: XdsServerOptions): (access: Access) => void {
  return (access) => {
    const refusal = refusalOf(authorize, access);
    if (refusal === undefined) return;
    if (counters !== undefined) counters.denied[access.rpc] += 1;
    onWarning(refusal.logged);
    throw new GrpcError(STATUS.permissionDenied, refusal.told);
  };
}

/** Every method that is served, by path. */
export function xdsRoutes(options: XdsServerOptions): Routes {
  const { open, identifier, onWarning, stallMs, maxUnsentBytes, newStreams = {} } = options;
  const { counters = new XdsCounters() } = options;
  const pacer = new Pacer<Response>({
    ...(stallMs === undefined ? {} : { stallMs }),
    ...(maxUnsentBytes === undefined ? {} : { bytes: maxUnsentBytes }),
  });
  const door = new NewStreams(newStreams, onWarning, () => {
    counters.throttled += 1;
  });
  const bytes = new ResponseBytes(identifier, counters);
  const edge = {
    open,
    onWarning,
    pacer,
    reader: new RequestReader(),
    bytes,
    counters,
    long: new LongResponses(onWarning),
    stallMs,
  };
  const routes = new Map<string, Method>(options.more ?? []);
  for (const { name, typeUrl, sotw, delta, fetch } of XDS_SERVICES) {
    const stream = (dialect: Dialect) => door.admitting((call) => serveStream(call, edge, dialect, typeUrl));
    if (sotw !== undefined) routes.set(`/${name}/${sotw}`, stream("sotw"));
    if (delta !== undefined) routes.set(`/${name}/${delta}`, stream("delta"));
    if (fetch !== undefined && options.fetch !== undefined)
      routes.set(`/${name}/${fetch}`, fetchMethod(options.fetch, edge, typeUrl));
  }
  return routes;
}
