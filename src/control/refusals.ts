import type { EventBody, JournalEvent } from "../core/journal/event.ts";
import type { RolloutRecord, State } from "../core/journal/state.ts";
import type { FleetEvent } from "./fleet.ts";
import type { Placement } from "./placement.ts";
import { sha256 } from "./sha256.ts";

type Refused = Extract<FleetEvent, { kind: "refused" }>;
type Repaired = Extract<FleetEvent, { kind: "repaired" }>;

/** Longest refusal that is stored: Envoy's text may repeat the whole resource. */
const ERROR_LIMIT = 4_000;

/** Refusals that wait for the store; when it fails for long, the oldest are in the log only. */
const PENDING_LIMIT = 1_000;

/**
 * What clients can make the journal hold that no rollout asks for (P58): nodes and types with refusals that are not repaired,
 * and different words of one of them that bring no news of what is in doubt.
 */
export interface RefusalLimits {
  readonly open: number;
  readonly contents: number;
}

const LIMITS: RefusalLimits = { open: 10_000, contents: 20 };

/** Refusals on their way into the journal: each once, however often the node says it. */
export class Refusals {
  readonly #limits: RefusalLimits;
  #pending: (Refused | Repaired)[] = [];
  /** Node and type → digests of what the journal has of it since it was last in order. */
  readonly #known = new Map<string, Set<string>>();

  constructor(limits: Partial<RefusalLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  onFleet(event: FleetEvent): void {
    if (event.kind !== "refused" && event.kind !== "repaired") return;
    this.#pending.push(event);
    if (this.#pending.length > PENDING_LIMIT) this.#pending.shift();
  }

  /** The journal has it: not again. */
  onJournal({ body }: JournalEvent): void {
    if (body.type === "nack.repaired") this.#known.delete(placeOf(body.node, body.typeUrl));
    if (body.type !== "nack") return;
    const place = placeOf(body.node, body.typeUrl);
    const known = this.#known.get(place) ?? new Set();
    // What is not known here is journaled again, in the worst case.
    if (known.size < this.#limits.contents) this.#known.set(place, known.add(contentOf(body)));
  }

  /** What to append for what came in. They stay pending until `clear`. */
  events(state: State, placement: Placement): { readonly events: readonly EventBody[]; readonly taken: number } {
    const events: EventBody[] = [];
    const open = new Set(
      [...state.unrepaired].flatMap(([node, types]) => [...types.keys()].map((typeUrl) => placeOf(node, typeUrl))),
    );
    const added = new Set<string>();
    for (const event of this.#pending) {
      const place = placeOf(event.node.id, event.typeUrl);
      if (event.kind === "repaired") {
        if (open.delete(place)) events.push({ type: "nack.repaired", node: event.node.id, typeUrl: event.typeUrl });
        continue;
      }
      const body = nackOf(event, rolloutOf(state, event, placement));
      const content = contentOf(body);
      if (added.has(`${place} ${content}`) || (open.has(place) && this.#known.get(place)?.has(content) === true))
        continue;
      if (body.rollout === undefined && !this.#hasRoom(body, { open, state })) continue;
      added.add(`${place} ${content}`);
      open.add(place);
      events.push(body);
    }
    return { events, taken: this.#pending.length };
  }

  #hasRoom(body: Nack, { open, state }: { readonly open: ReadonlySet<string>; readonly state: State }): boolean {
    const place = placeOf(body.node, body.typeUrl);
    if (!open.has(place)) return open.size < this.#limits.open;
    if ((this.#known.get(place)?.size ?? 0) < this.#limits.contents) return true;
    const doubted = new Set(state.unrepaired.get(body.node)?.get(body.typeUrl));
    return body.names.some((name) => !doubted.has(name));
  }

  /** The first `taken` are in the journal. */
  clear(taken: number): void {
    this.#pending = this.#pending.slice(taken);
  }
}

type Nack = Extract<EventBody, { type: "nack" }>;

function nackOf({ node, group, typeUrl, error, names }: Refused, rollout: string | undefined): Nack {
  const text = error.length > ERROR_LIMIT ? `${error.slice(0, ERROR_LIMIT)}…` : error;
  return {
    type: "nack",
    node: node.id,
    group,
    typeUrl,
    error: text,
    names,
    ...(rollout === undefined ? {} : { rollout }),
  };
}

/** The active rollout, where what was refused is its target: a refusal of what a node had before says nothing of it. */
function rolloutOf(state: State, event: Refused, placement: Placement): string | undefined {
  const rollout = state.active === null ? undefined : state.rollouts.get(state.active);
  if (rollout === undefined || !rollout.targets.includes(event.node.id)) return undefined;
  return isOfTarget(rollout, event, placement) ? rollout.id : undefined;
}

function isOfTarget(rollout: RolloutRecord, { node, typeUrl, version }: Refused, placement: Placement): boolean {
  const before = placement.versionOf(node.id, rollout.from, typeUrl);
  const target = placement.versionOf(node.id, rollout.to, typeUrl);
  // While removals are held back, SotW says so behind a `+`.
  const refused = version.split("+")[0];
  if (rollout.state === "rollingBack") return refused === target && target !== before;
  return refused !== before || before === target;
}

function placeOf(node: string, typeUrl: string): string {
  return JSON.stringify([node, typeUrl]);
}

function contentOf({ rollout, names, error }: Nack): string {
  return sha256(JSON.stringify([rollout, names, error]));
}
