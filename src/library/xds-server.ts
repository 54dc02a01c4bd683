import { randomInt } from "node:crypto";
import { EventEmitter } from "node:events";
import type { Authorize } from "../control/access.ts";
import { systemClock } from "../control/clock.ts";
import type { FleetEvent } from "../control/fleet.ts";
import type { LoadQuery } from "../control/load-reports.ts";
import { NodeRegistry } from "../control/node-registry.ts";
import { sessionSettings } from "../control/session-settings.ts";
import { limitAges, STREAM_AGE_MS } from "../control/stream-ages.ts";
import { Telemetry } from "../control/telemetry.ts";
import type { TlsMaterial } from "../control/tls.ts";
import type { XdsStats } from "../control/xds-stats.ts";
import type { ClusterLoad } from "../core/load/report.ts";
import { furtherRoutes } from "../grpc/further-services.ts";
import type { XdsListener } from "../grpc/xds-server.ts";
import { listenXds } from "../grpc/xds-server.ts";
import type { OnNack } from "./on-nack.ts";
import { policyOf } from "./on-nack.ts";
import type { SnapshotCache } from "./snapshot-cache.ts";

/** How a server serves a cache. Times in milliseconds. */
export interface XdsServerOptions {
  readonly cache: SnapshotCache;
  /** A removed resource stays this long after the last reference to it was given up; 1 s. */
  readonly graceMs?: number;
  /** And at most this long, whatever refers to it; 5 s. */
  readonly holdMs?: number;
  /** What is done about content that a client refuses, for all types or by type URL; `"park"`. */
  readonly onNack?: OnNack | ((typeUrl: string) => OnNack);
  /** Shown by Envoy as `control_plane.identifier`. */
  readonly identifier?: string;
  /** How often Envoys that report their load do so; 10 s. */
  readonly loadReportMs?: number;
  /** Serves over TLS, with certificates of clients where there is a `clientCa`; without it in plain text. */
  readonly tls?: TlsMaterial;
  /** Decides who may have what, whatever the call; without it everybody may have everything that they ask for. */
  readonly authorize?: Authorize;
  /**
   * A stream that is older than about this is ended with OK, once nothing is on its way on it, so that its client opens
   * another, which a balancer may lead elsewhere; 30 min, 0: never. Streams differ by up to a fifth either way.
   */
  readonly streamAgeMs?: number;
  /** A client that takes nothing of a response for this long is given up; 60 s. */
  readonly stallMs?: number;
  /** Bytes that are written and have not left yet, over all streams; 128 MiB. */
  readonly maxUnsentBytes?: number;
  /** How fast new streams are taken: 10,000 at once, 1,000 a second beyond those, 10,000 may wait, the rest is refused. */
  readonly newStreams?: { readonly burst?: number; readonly perSecond?: number; readonly waiting?: number };
}

/** What a server tells: `connect` and `close` with empty type, version and nonce. */
export interface XdsEvent {
  /** The node's id. */
  readonly node: string;
  readonly group: string;
  readonly typeUrl: string;
  /** The version that was answered. */
  readonly version: string;
  readonly nonce: string;
}

/** A refusal, in the client's own words with secrets made unreadable. */
export interface NackEvent extends XdsEvent {
  readonly error: string;
  /** What the refused response changed: nothing is known now of what the node has of it. */
  readonly names: readonly string[];
}

interface Events {
  ack: [XdsEvent];
  nack: [NackEvent];
  connect: [XdsEvent];
  close: [XdsEvent];
  /** Something that the operator should know, in a sentence: whom `authorize` refused and why, a handshake that failed. */
  warning: [string];
}

/** Serves a SnapshotCache over ADS, state of the world and delta; what each node has of it is told over CSDS. */
export class XdsServer {
  readonly #cache: SnapshotCache;
  readonly #registry: NodeRegistry;
  readonly #identifier: string;
  readonly #options: XdsServerOptions;
  #tls: TlsMaterial | undefined;
  readonly #events = new EventEmitter<Events>();
  #listener: XdsListener | undefined;
  #detach: (() => void) | undefined;
  #stopAging: (() => void) | undefined;

  constructor(options: XdsServerOptions) {
    const { cache, graceMs = 1_000, holdMs = 5_000, identifier = "belay", tls, onNack = "park" } = options;
    this.#cache = cache;
    this.#identifier = identifier;
    this.#options = options;
    this.#tls = tls;
    const rules = {
      graceMs,
      holdMs,
      onNack: policyOf(onNack, (message) => void this.#events.emit("warning", message)),
    };
    this.#registry = new NodeRegistry(sessionSettings(rules, randomInt(2 ** 31)));
    this.#registry.listen((event) => this.#tell(event));
  }

  /**
   * Listens on `HOST:PORT`; port 0 takes a free one.
   *
   * @throws Error with the address and the reason where it cannot be listened on, or `tls` cannot be used
   */
  async listen(address: string): Promise<{ port: number }> {
    if (this.#listener !== undefined) throw new Error(`this server listens already, on port ${this.#listener.port}`);
    const { loadReportMs, streamAgeMs = STREAM_AGE_MS, stallMs, maxUnsentBytes, newStreams } = this.#options;
    this.#listener = await listenXds(address, {
      open: (dialect, sink, typeUrl) => this.#registry.open(dialect, sink, typeUrl),
      fetch: (request, node) => this.#registry.fetchOnce(request, node),
      identifier: () => this.#identifier,
      counters: this.#registry.counters,
      onWarning: (message) => void this.#events.emit("warning", message),
      ...(stallMs !== undefined && { stallMs }),
      ...(maxUnsentBytes !== undefined && { maxUnsentBytes }),
      ...(newStreams !== undefined && { newStreams }),
      more: furtherRoutes({
        registry: this.#registry,
        telemetry: new Telemetry(),
        loadReportMs,
      }),
      authorize: this.#options.authorize,
      tls: this.#tls,
    });
    this.#detach = this.#cache.attach(this.#registry);
    if (streamAgeMs > 0) this.#stopAging = limitAges(this.#registry, { clock: systemClock, ageMs: streamAgeMs });
    return { port: this.#listener.port };
  }

  /**
   * Exchanges the certificates while the server runs: new connections get these, streams that are open go on as they are.
   *
   * @throws Error where they cannot be used, or the server was begun without TLS; what there was stays
   */
  setTls(tls: TlsMaterial): void {
    if (this.#listener !== undefined) this.#listener.setTls(tls);
    this.#tls = tls;
  }

  /** What nodes have counted of late of each cluster that they call, from their load reports (LRS). */
  loads(query?: LoadQuery): ReadonlyMap<string, ClusterLoad> {
    return this.#registry.loads(query);
  }

  /** What this server has done since it was made, and what is open now: numbers that cost nothing to keep, for metrics. */
  stats(): XdsStats {
    return this.#registry.stats();
  }

  /** Calls the listener at each event of that name. */
  on<K extends keyof Events>(name: K, listener: (...event: Events[K]) => void): this {
    this.#events.on(name, listener as never);
    return this;
  }

  /** No longer calls the listener. */
  off<K extends keyof Events>(name: K, listener: (...event: Events[K]) => void): this {
    this.#events.off(name, listener as never);
    return this;
  }

  /** Ends the streams and stops listening; what has not ended after `graceMs` (1 s) is cut. */
  async close({ graceMs = 1_000 }: { graceMs?: number } = {}): Promise<void> {
    this.#stopAging?.();
    this.#registry.close("ok", "this server is shutting down");
    await this.#listener?.close(graceMs);
    this.#listener = undefined;
    this.#detach?.();
  }

  #tell(event: FleetEvent): void {
    const name = EVENT_NAMES[event.kind];
    if (name === undefined || this.#events.listenerCount(name) === 0) return;
    const about = { typeUrl: "", version: "", nonce: "", ...told(event) };
    this.#events.emit(name, { node: event.node.id, group: this.#cache.groupOf(event.node), ...about } as never);
  }
}

/** What the library calls what the fleet tells; what is not here is not told. */
const EVENT_NAMES: Readonly<Partial<Record<FleetEvent["kind"], keyof Events>>> = {
  connected: "connect",
  lost: "close",
  acked: "ack",
  refused: "nack",
};

function told(event: FleetEvent): Partial<NackEvent> {
  if (event.kind === "acked") return { typeUrl: event.typeUrl, version: event.version, nonce: event.nonce };
  if (event.kind !== "refused") return {};
  return { typeUrl: event.typeUrl, version: event.version, nonce: event.nonce, error: event.error, names: event.names };
}
