import { randomInt } from "node:crypto";
import { EventEmitter } from "node:events";
import { boundedWarnings } from "../control/bounded-warnings.ts";
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
import { policyOf } from "./on-nack.ts";
import type { XdsServerOptions } from "./server-options.ts";
import { checkOptions } from "./server-options.ts";
import type { SnapshotCache } from "./snapshot-cache.ts";

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
  /**
   * Something that the operator should know, in a sentence: whom `authorize` refused and why, a listener that failed.
   * Where nobody listens to it, it is a warning of the process.
   */
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
  #state: "new" | "listening" | "closed" = "new";
  readonly #warn = boundedWarnings((message) => this.#tellWarning(message), Date.now);

  /** @throws RangeError with every option that cannot be */
  constructor(options: XdsServerOptions) {
    checkOptions(options);
    const { cache, graceMs = 1_000, holdMs = 5_000, identifier = "belay", tls, onNack = "park" } = options;
    this.#cache = cache;
    this.#identifier = identifier;
    this.#options = options;
    this.#tls = tls;
    const rules = { graceMs, holdMs, onNack: policyOf(onNack, this.#warn) };
    this.#registry = new NodeRegistry(sessionSettings(rules, randomInt(2 ** 31)));
    this.#registry.listen((event) => this.#tell(event));
  }

  /**
   * Listens on `HOST:PORT`, once; port 0 takes a free one.
   *
   * @throws Error with the address and the reason where it cannot be listened on, or `tls` cannot be used
   */
  async listen(address: string): Promise<{ port: number }> {
    if (this.#state === "closed")
      throw new Error("this server was closed, and stays so: make another with the same cache");
    if (this.#state === "listening") throw new Error("this server listens already; make another with the same cache");
    this.#state = "listening";
    try {
      this.#listener = await this.#open(address);
    } catch (error) {
      this.#state = "new";
      throw error;
    }
    return { port: this.#listener.port };
  }

  async #open(address: string): Promise<XdsListener> {
    const { loadReportMs, streamAgeMs = STREAM_AGE_MS, stallMs, maxUnsentBytes, newStreams } = this.#options;
    const listener = await listenXds(address, {
      open: (dialect, sink, typeUrl) => this.#registry.open(dialect, sink, typeUrl),
      fetch: (request, node) => this.#registry.fetchOnce(request, node),
      identifier: () => this.#identifier,
      counters: this.#registry.counters,
      onWarning: (message) => this.#tellWarning(message),
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
    this.#detach = this.#cache.attach(this.#registry, this.#warn);
    if (streamAgeMs > 0) this.#stopAging = limitAges(this.#registry, { clock: systemClock, ageMs: streamAgeMs });
    return listener;
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
    this.#state = "closed";
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
    const whole = { node: event.node.id, group: this.#cache.groupOf(event.node), ...about };
    for (const listener of this.#events.listeners(name)) {
      try {
        listener(whole as never);
      } catch (error) {
        // It must not cost the Envoy its stream.
        this.#warn(`a listener for "${name}" failed: ${error instanceof Error ? error.stack : String(error)}`);
      }
    }
  }

  #tellWarning(message: string): void {
    if (!this.#events.emit("warning", message)) process.emitWarning(message, "BelayWarning");
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
