import { NodeRegistry } from "../control/node-registry.ts";
import { sessionSettings } from "../control/session-settings.ts";
import { sha256 } from "../control/sha256.ts";
import type { Resource } from "../core/resource/resource.ts";
import { ENDPOINTS } from "../core/resource/type-url.ts";
import { snapshotOf } from "../core/snapshot/snapshot.ts";
import type { Dialect } from "../core/xds/message.ts";
import type { Call, CallHandler, Method, Routes } from "./call.ts";
import type { Framed } from "./framing.ts";
import { PREFIX_BYTES } from "./framing.ts";
import { bytesField, textField, WireReader } from "./wire.ts";

/**
 * Enough for V8 to compile what each stream and each change runs through; few at a time, so that hardly anything of it is alive
 * at once.
 */
const SIZE = { rounds: 40, streams: 10, changes: 3 };

/** A machine on which it takes longer has other work, and clients wait. */
const PATIENCE_MS = 1_000;

const NAMES: readonly string[] = Array.from({ length: 10 }, (_, index) => `rehearsed-${index}`);

/** Field numbers of requests (`proto/envoy/service/discovery/v3/discovery.proto`), and the method of ADS. */
const REQUEST = {
  sotw: { version: 1, node: 2, names: 3, typeUrl: 4, nonce: 5, method: "StreamAggregatedResources" },
  delta: { version: 0, node: 1, names: 3, typeUrl: 2, nonce: 6, method: "DeltaAggregatedResources" },
} as const;

/** The same of responses of both dialects. */
const RESPONSE = { version: 1, nonce: 5 };

/**
 * Serves a few hundred streams that nobody has opened, all the way but for the sockets, with a registry of its own (decision
 * 0019). A server that has just started would otherwise serve its first clients, who come back all at once, with code that is
 * still interpreted.
 *
 * @param routesOf the methods of a server of that registry
 * @param patienceMs when that has passed it is broken off, in milliseconds
 * @returns whether it came to its end; what happens here concerns no client
 */
export async function rehearse(
  routesOf: (registry: NodeRegistry) => Routes,
  patienceMs = PATIENCE_MS,
): Promise<boolean> {
  const registry = new NodeRegistry(sessionSettings({ graceMs: 1_000, holdMs: 5_000 }, 0));
  const play = new Play(registry, routesOf(registry));
  const until = performance.now() + patienceMs;
  for (let round = 0; round < SIZE.rounds; round += 1) if (!(await play.round(until))) return false;
  return true;
}

/** The nodes of a rehearsal and what they are given. */
class Play {
  readonly #registry: NodeRegistry;
  readonly #routes: Routes;
  #revision = 0;
  #view = viewOf(0);
  #acks = 0;

  constructor(registry: NodeRegistry, routes: Routes) {
    this.#registry = registry;
    this.#routes = routes;
    registry.listen((event) => {
      if (event.kind === "connected") registry.assign(event.node.id, this.#view);
      else if (event.kind === "acked") this.#acks += 1;
    });
  }

  /** Nodes come, are changed a few times, and go; but for the first time they were here before. */
  async round(until: number): Promise<boolean> {
    this.#acks = 0;
    const calls = Array.from({ length: SIZE.streams }, (_, index) => this.#call(index));
    let isOn = await this.#acknowledged(SIZE.streams, until);
    for (let change = 1; change <= SIZE.changes && isOn; change += 1) {
      this.#revision += 1;
      this.#view = viewOf(this.#revision);
      for (const { id } of calls) this.#registry.assign(id, this.#view);
      isOn = await this.#acknowledged(SIZE.streams * (1 + change), until);
    }
    for (const call of calls) call.leave();
    return isOn;
  }

  #call(index: number): RehearsedCall {
    const dialect = index % 2 === 0 ? "delta" : "sotw";
    const path = `/envoy.service.discovery.v3.AggregatedDiscoveryService/${REQUEST[dialect].method}`;
    return new RehearsedCall(`rehearsed-${index}`, dialect, this.#routes.get(path) as Method);
  }

  /** Turns of the loop go by until so many ACKs have come. */
  async #acknowledged(acks: number, until: number): Promise<boolean> {
    while (this.#acks < acks && performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
    return this.#acks >= acks;
  }
}

function viewOf(revision: number) {
  const resources = NAMES.map((name, index): Resource => {
    const version = String(index === 0 ? revision : 0);
    return { typeUrl: ENDPOINTS, name, version, bytes: textField(1, name), refs: [] };
  });
  return { group: "rehearsal", revision, snapshot: snapshotOf(resources, sha256) };
}

/** A client that asks for endpoints, and takes whatever it is sent. */
class RehearsedCall implements Call {
  readonly id: string;
  readonly peer = "a rehearsal";
  readonly headers = {};
  readonly guarded = false;
  open = true;
  readonly #dialect: Dialect;
  readonly #handler: CallHandler;

  constructor(id: string, dialect: Dialect, method: Method) {
    this.id = id;
    this.#dialect = dialect;
    this.#handler = method(this);
    const { node, names, typeUrl } = REQUEST[dialect];
    this.#say([
      bytesField(node, textField(1, id)),
      ...NAMES.map((name) => textField(names, name)),
      textField(typeUrl, ENDPOINTS),
    ]);
  }

  #say(fields: readonly Buffer[]): void {
    try {
      this.#handler.onMessage(Buffer.concat(fields));
    } catch {
      // As any call, it ends with a defect of the server, which goes on.
      this.open = false;
    }
  }

  send(message: Framed, done?: () => void): void {
    const { version, nonce } = readResponse(Buffer.concat(message.slice() as Buffer[]).subarray(PREFIX_BYTES));
    setImmediate(() => {
      done?.();
      if (this.open) this.#acknowledge(version, nonce);
    });
  }

  #acknowledge(version: string, nonce: string): void {
    const field = REQUEST[this.#dialect];
    const answer = [textField(field.typeUrl, ENDPOINTS), textField(field.nonce, nonce)];
    if (this.#dialect === "delta") return this.#say(answer);
    this.#say([textField(field.version, version), ...NAMES.map((name) => textField(field.names, name)), ...answer]);
  }

  leave(): void {
    this.open = false;
    this.#handler.onClosed();
  }

  end(): void {
    this.open = false;
  }

  fail(): void {
    this.open = false;
  }

  admit(): void {}
  retire(): void {}
  cut(): void {}
  hold(): () => void {
    return () => {};
  }
}

function readResponse(bytes: Buffer): { version: string; nonce: string } {
  const said = { version: "", nonce: "" };
  const wire = new WireReader(bytes);
  for (let tag = wire.next(); tag !== 0; tag = wire.next()) {
    const field = tag >>> 3;
    if (field === RESPONSE.version) said.version = wire.text();
    else if (field === RESPONSE.nonce) said.nonce = wire.text();
    else wire.skip(tag);
  }
  return said;
}
