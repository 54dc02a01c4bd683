import fc from "fast-check";
import type { Resource } from "../../../src/core/resource/resource.ts";
import { CLUSTER, ENDPOINTS, LISTENER, ROUTES } from "../../../src/core/resource/type-url.ts";
import type { Snapshot } from "../../../src/core/snapshot/snapshot.ts";
import { snapshotOf } from "../../../src/core/snapshot/snapshot.ts";
import { whatMayBeNeeded } from "../../../src/core/xds/content.ts";
import { isConverged } from "../../../src/core/xds/convergence.ts";
import type { NodeMemory } from "../../../src/core/xds/memory.ts";
import { NO_MEMORY } from "../../../src/core/xds/memory.ts";
import type { Dialect, Response } from "../../../src/core/xds/message.ts";
import type { NackPolicyOf } from "../../../src/core/xds/nack-policy.ts";
import type { ServingRules } from "../../../src/core/xds/round.ts";
import type { Stream } from "../../../src/core/xds/stream.ts";
import { memoryOf, onDeltaRequest, onSotwRequest, openStream, poll, setView } from "../../../src/core/xds/stream.ts";
import { EnvoyModel } from "./envoy-model.ts";

const TIMES = { graceMs: 1_000, holdMs: 5_000 };
const NAMES = ["a", "b", "c"] as const;

const digest = (content: Uint8Array | string): string => {
  let hash = 7n;
  for (const character of String(content))
    hash = (hash * 1_099_511n + BigInt(character.charCodeAt(0))) & 0xffff_ffff_ffff_ffffn;
  return hash.toString(16).padStart(16, "0").repeat(3);
};

type Item = { readonly name: string; readonly content: string } | undefined;
export interface World {
  readonly clusters: readonly Item[];
  readonly listeners: readonly Item[];
  readonly endpoints: string;
  readonly routes: string;
}

export const content = fc.constantFrom("1", "2", "3", "bad1", "bad2");
export const goodContent = fc.constantFrom("1", "2", "3");
export function world(contents: fc.Arbitrary<string>): fc.Arbitrary<World> {
  const items = fc.tuple(
    ...NAMES.map((name) =>
      fc.option(
        contents.map((text) => ({ name, content: text })),
        { nil: undefined },
      ),
    ),
  );
  return fc.record({ clusters: items, listeners: items, endpoints: contents, routes: contents });
}

export const SMALL = new Uint8Array();
/** Two of them fit into one response, three do not (P62). */
export const LARGE = new Uint8Array(1_500_000);

export function snapshot({ clusters, listeners, endpoints, routes }: World, bytes: Uint8Array): Snapshot {
  const resource = (typeUrl: string, name: string, version: string, refs: Resource["refs"]): Resource => {
    return { typeUrl, name, version, bytes, refs };
  };
  const present = (items: readonly Item[]) => items.filter((item) => item !== undefined);
  const all: Resource[] = [];
  for (const { name, content: version } of present(clusters)) {
    all.push(
      resource(CLUSTER, name, version, [{ typeUrl: ENDPOINTS, name }]),
      resource(ENDPOINTS, name, endpoints, []),
    );
  }
  const targets = present(clusters).map(({ name }) => ({ typeUrl: CLUSTER, name }));
  for (const { name, content: version } of present(listeners)) {
    all.push(resource(LISTENER, name, version, [{ typeUrl: ROUTES, name }]));
    all.push(resource(ROUTES, name, `${routes}-${targets.map((ref) => ref.name).join("")}`, targets));
  }
  return snapshotOf(all, digest);
}

export type Action =
  | { readonly do: "view"; readonly world: World }
  | { readonly do: "deliver"; readonly to: "server" | "client" }
  | { readonly do: "reconnect"; readonly same: boolean }
  | { readonly do: "wait"; readonly ms: number };

export const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: world(content).map((made) => ({ do: "view" as const, world: made })) },
  {
    weight: 12,
    arbitrary: fc.constantFrom("server" as const, "client" as const).map((to) => ({ do: "deliver" as const, to })),
  },
  { weight: 1, arbitrary: fc.boolean().map((same) => ({ do: "reconnect" as const, same })) },
  { weight: 1, arbitrary: fc.constantFrom(100, 1_000, 6_000).map((ms) => ({ do: "wait" as const, ms })) },
);

/** How the two ends of a wire behave. */
export interface WireParts {
  readonly dialect: Dialect;
  readonly bytes: Uint8Array;
  /** Which good resources of a refused response are applied all the same, by chance. */
  readonly applies: (name: string) => boolean;
  readonly onNack?: NackPolicyOf;
}

/** A server stream and an Envoy with a wire between them that delivers in order, when told to. */
export class Wire {
  readonly client: EnvoyModel;
  readonly #dialect: Dialect;
  readonly #bytes: Uint8Array;
  readonly #rules: ServingRules;
  stream: Stream;
  #now = 0;
  #tag = 0;
  readonly #toClient: Response[] = [];
  sent = 0;

  constructor({ dialect, bytes, applies, onNack }: WireParts) {
    this.#dialect = dialect;
    this.#rules = { ...TIMES, onNack };
    this.#bytes = bytes;
    this.client = new EnvoyModel(dialect, applies);
    this.stream = openStream(dialect, "t0-", NO_MEMORY, 0);
    this.client.connect();
  }

  act(step: Action): void {
    if (step.do === "view") this.stream = setView(this.stream, snapshot(step.world, this.#bytes), this.#now);
    else if (step.do === "wait") this.#now += step.ms;
    else if (step.do === "reconnect") this.#reconnect(step.same);
    else if (step.to === "client") this.#toClient.splice(0, 1).forEach((response) => this.client.receive(response));
    else this.#deliverRequest();
    this.#poll();
  }

  /** Delivers everything until neither side has anything to say. */
  drain(): void {
    for (let round = 0; round < 500; round++) {
      if (this.#toClient.length + this.client.outbox.length === 0) return;
      this.act({ do: "deliver", to: "server" });
      this.act({ do: "deliver", to: "client" });
    }
    throw new Error("server and client never came to rest");
  }

  get converged(): boolean {
    return isConverged(this.stream, this.#now);
  }

  #deliverRequest(): void {
    for (const message of this.client.outbox.splice(0, 1)) {
      this.stream =
        message.dialect === "sotw"
          ? onSotwRequest(this.stream, message.request).stream
          : onDeltaRequest(this.stream, message.request).stream;
    }
  }

  #reconnect(same: boolean): void {
    const { view } = this.stream;
    const memory = whatMayBeNeeded(memoryOf(this.stream), this.#rules.onNack);
    // Another process knows nothing but what stands in the journal: refusals that were not mended, and what was under way.
    const known: NodeMemory = same ? memory : { ...NO_MEMORY, distrusted: memory.distrusted };
    this.#toClient.length = 0;
    this.#tag += 1;
    this.stream = setView(openStream(this.#dialect, `t${this.#tag}-`, known, this.#now), view, this.#now);
    this.client.connect();
  }

  #poll(): void {
    for (;;) {
      const { stream, responses } = poll(this.stream, this.#now, this.#rules);
      this.stream = stream;
      this.#toClient.push(...responses);
      this.sent += responses.length;
      if (responses.length === 0) return;
    }
  }
}

export function held(wire: Wire, typeUrl: string): Record<string, string> {
  return Object.fromEntries([...wire.client.inForce(typeUrl)].map(([name, { version }]) => [name, version]));
}

export function wantedOf(view: Snapshot, typeUrl: string): Record<string, string> {
  const resources = view.types.get(typeUrl)?.resources.values() ?? [];
  return Object.fromEntries([...resources].map(({ name, version }) => [name, version]));
}
