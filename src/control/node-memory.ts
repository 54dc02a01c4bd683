import type { Known } from "../core/xds/client.ts";
import { clientWith, entriesOf } from "../core/xds/client.ts";
import { withoutContent } from "../core/xds/content.ts";
import type { NodeMemory, Remembered } from "../core/xds/memory.ts";
import { NO_MEMORY } from "../core/xds/memory.ts";
import type { Subscription } from "../core/xds/subscription.ts";
import { covers } from "../core/xds/subscription.ts";
import { weightOfKnown, weightOfNames, weightOfText } from "../core/xds/weight.ts";
import type { HeldNames } from "./lost-nodes.ts";
import { countOf } from "./lost-nodes.ts";

/** What a node had on its last streams of one service. */
interface Service {
  memory: NodeMemory;
  /** Streams have come since: what the next one to go had replaces this, and what those after it had is added. */
  isOld: boolean;
}

const NO_SERVICES = new Map<string, Service>();
const NO_DOUBTS = new Map<string, readonly string[]>();

/** ADS, among the type URLs of the other services. */
const ADS = "";

/**
 * What is remembered of a node between its streams: for each service what it had, and over all of them the names whose
 * content in force is not known, for a refusal on one is not mended by asking on another.
 */
export class MemoryOfNode {
  // Made when there is something to put in: of most nodes nothing is remembered, and they are thousands.
  #services: Map<string, Service> = NO_SERVICES;
  #doubts: Map<string, readonly string[]> = NO_DOUBTS;

  /** The lists, sets and maps of names that it holds; nodes of a group share most of them. */
  get held(): readonly HeldNames[] {
    const held: HeldNames[] = [];
    for (const names of this.#doubts.values())
      held.push({ in: names, names: countOf(names.length, weightOfNames(names)) });
    for (const { memory } of this.#services.values()) {
      for (const known of memory.types.values()) held.push(...heldBy(known));
    }
    return held;
  }

  /** What is remembered of each type beside names, in bytes: its URL, which a client may make up, a version, an error. */
  get weight(): number {
    let bytes = 0;
    for (const { memory } of this.#services.values()) {
      for (const [typeUrl, { ackedVersion, open }] of memory.types)
        bytes += weightOfText(typeUrl) + weightOfText(ackedVersion) + weightOfText(open?.error ?? "");
    }
    return bytes;
  }

  /** Puts less in place of what it remembers. Nodes that remember the same are to be given the same. */
  change(to: (memory: NodeMemory) => NodeMemory): void {
    for (const service of this.#services.values()) service.memory = to(service.memory);
  }

  /** Names of a type whose content in force is not known. */
  distrust(typeUrl: string, names: readonly string[]): void {
    this.#setDoubts(typeUrl, names);
  }

  #setDoubts(typeUrl: string, names: readonly string[]): void {
    if (this.#doubts === NO_DOUBTS) this.#doubts = new Map();
    this.#doubts.set(typeUrl, names);
  }

  /**
   * What a new stream of the service begins with.
   *
   * @param live what the node has on its open streams of the same service
   */
  recall(scope: string | undefined, live: readonly NodeMemory[]): NodeMemory {
    const service = this.#services.get(scope ?? ADS);
    const memory = live.length > 0 ? live.reduce(merge) : (service?.memory ?? NO_MEMORY);
    if (service !== undefined && live.length === 0) service.isOld = true;
    // As it is, where nothing is to be added: nodes that remember the same have one memory, and move as one.
    if (memory.distrusted.size + this.#doubts.size === 0) return memory;
    const distrusted = new Map([...memory.distrusted, ...this.#doubts]);
    const isDoubted = scope === undefined ? distrusted.size > 0 : distrusted.has(scope);
    return { ...memory, distrusted, settled: memory.settled && !isDoubted };
  }

  /** A stream of the service is gone; this is what the node had on it. */
  keep(scope: string | undefined, memory: NodeMemory): void {
    const key = scope ?? ADS;
    const service = this.#services.get(key);
    const isOnly = scope === undefined || service === undefined || service.isOld;
    if (this.#services === NO_SERVICES) this.#services = new Map();
    this.#services.set(key, { memory: isOnly ? memory : merge(service.memory, memory), isOld: false });
    for (const typeUrl of memory.types.keys()) this.#doubt(typeUrl, memory, scope !== undefined);
  }

  /** Doubts of the type after a stream; one of many streams of a type says nothing of names that it did not ask for. */
  #doubt(typeUrl: string, memory: NodeMemory, isOneOfMany: boolean): void {
    const subscription = memory.types.get(typeUrl)?.subscription;
    const others = isOneOfMany ? (this.#doubts.get(typeUrl) ?? []) : [];
    const kept = others.filter((name) => subscription === undefined || !covers(subscription, name));
    const names = new Set([...kept, ...(memory.distrusted.get(typeUrl) ?? [])]);
    if (names.size > 0) this.#setDoubts(typeUrl, [...names]);
    else this.#doubts.delete(typeUrl);
  }
}

function heldBy({ subscription, client: { base, except }, sent, open }: Remembered): readonly HeldNames[] {
  const known = [base, except, sent?.resources].flatMap((set) => (set === undefined ? [] : [setOf(set)]));
  const parked = open === undefined ? [] : [{ in: open.parked, names: open.parked.size }];
  return [...askedFor(subscription), ...known, ...parked, ...insteadOf(open)].filter(({ names }) => names > 0);
}

function askedFor(subscription: Subscription | undefined): readonly HeldNames[] {
  if (subscription === undefined) return [];
  const { names } = subscription;
  return [{ in: names, names: countOf(names.size, weightOfNames(names)) }];
}

/** A set that no content is left in counts for its names alone. */
function setOf(set: ReadonlyMap<string, Known | undefined>): HeldNames {
  const names = { in: set, names: countOf(set.size, weightOfKnown(set)) };
  return withoutContent(set) === set ? names : { ...names, content: set };
}

function insteadOf(open: Remembered["open"]): readonly HeldNames[] {
  if (open === undefined) return [];
  const { instead } = open.refusal;
  const content = new Map([...instead].map(([name, { good }]) => [name, good]));
  return [{ in: instead, names: instead.size, content }];
}

function merge(older: NodeMemory, newer: NodeMemory): NodeMemory {
  const types = new Map(older.types);
  for (const [typeUrl, known] of newer.types) types.set(typeUrl, mergeType(types.get(typeUrl), known));
  const distrusted = new Map([...older.distrusted, ...newer.distrusted]);
  return { types, distrusted, settled: older.settled && newer.settled };
}

function mergeType(older: Remembered | undefined, newer: Remembered): Remembered {
  if (older?.subscription === undefined || newer.subscription === undefined || newer.subscription.wildcard)
    return newer;
  const names = new Set([...older.subscription.names, ...newer.subscription.names]);
  const { wildcard, legacy } = older.subscription;
  const entries = [...entriesOf(older.client, older.subscription), ...entriesOf(newer.client, newer.subscription)];
  return {
    open: newer.open ?? older.open,
    ackedVersion: newer.ackedVersion,
    subscription: { wildcard, legacy, names },
    client: clientWith(new Map(entries)),
  };
}
