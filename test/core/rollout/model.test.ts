import fc from "fast-check";
import { expect, it } from "vitest";
import type { EventBody, FleetState } from "../../../src/core/journal/event.ts";
import { emptyState, foldAll } from "../../../src/core/journal/fold.ts";
import { sameState } from "../../../src/core/journal/same-state.ts";
import type { RolloutRecord, State } from "../../../src/core/journal/state.ts";
import { assigner } from "../../../src/core/rollout/assignment.ts";
import { decide, type Evidence, type NodeEvidence } from "../../../src/core/rollout/decide.ts";
import { isEnd, moved, type RolloutMove } from "../../../src/core/rollout/states.ts";
import { asked, fleetState, published, sha256, stamped, T0 } from "../journal/journal.ts";

/*
 * A fleet that does what it likes, and a conductor that is killed when it likes. What must hold holds at every step.
 */

interface SimNode {
  connected: boolean;
  /** Seen by this process. */
  known: boolean;
  assigned: FleetState | null;
  /** What it has acknowledged since it was told. */
  has: FleetState | null;
}

const FROM = fleetState(1);
const TO = fleetState(2);
const IDS = ["a", "b", "c", "d"];

class Simulation {
  now = T0;
  watchingSince = T0 - 1;
  state: State = emptyState();
  readonly journal: ReturnType<typeof stamped> = [];
  readonly nodes = new Map<string, SimNode>();
  /** Nodes that were ever given the target. */
  readonly given = new Set<string>();

  constructor(kind: "config" | "rollback") {
    for (const id of IDS) this.nodes.set(id, { connected: id !== "d", known: id !== "d", assigned: FROM, has: FROM });
    const stages = [{ hosts: 1 as const }, { hosts: "all" as const }];
    const nodes = IDS.filter((id) => id !== "d");
    this.append([
      published(1, true),
      published(2),
      { type: "rollout.started", rollout: "ro-1", kind, from: FROM, to: TO, stages, nodes, asked },
    ]);
    this.step();
  }

  get rollout(): RolloutRecord {
    return this.state.rollouts.get("ro-1")!;
  }

  append(bodies: readonly EventBody[]): void {
    for (const body of bodies) {
      const current = this.state.rollouts.get("ro-1")?.state;
      if (current !== undefined && body.type.startsWith("rollout.")) {
        expect(
          moved(current, body as Extract<EventBody, { type: RolloutMove }>),
          `${current} ${body.type}`,
        ).toBeDefined();
      }
      const events = stamped([body], this.state, this.now);
      this.journal.push(...(JSON.parse(JSON.stringify(events)) as typeof events));
      this.state = foldAll(this.state, events);
    }
  }

  /** What the conductor does: decide, append, tell, again. `writes` cuts it short, as a kill does. */
  step(writes = 100): void {
    this.tell();
    for (let round = 0; round < writes; round += 1) {
      const next = decide(this.state, this.evidence(), this.now);
      if (next.length === 0) return;
      this.append(next);
      this.tell();
    }
    expect(writes, "it never comes to rest").toBeLessThan(100);
  }

  tell(): void {
    const stateOf = assigner(this.state);
    for (const [id, node] of this.nodes) {
      const state = stateOf(id);
      if (sameState(state, node.assigned)) continue;
      node.assigned = state;
      node.has = null;
      if (!isEnd(this.rollout.state) && sameState(state, TO)) this.given.add(id);
    }
  }

  evidence(): Evidence {
    const nodes = [...this.nodes].flatMap(([id, node]): [string, NodeEvidence][] => {
      if (!node.known) return [];
      const has = (state: FleetState) => sameState(node.assigned, state) && sameState(node.has, state);
      const presence = node.connected ? ("connected" as const) : ("gone" as const);
      return [[id, { presence, tier: 2, changes: !sameState(node.assigned, TO), acked: has(TO), back: has(FROM) }]];
    });
    return { nodes: new Map(nodes), watchingSince: this.watchingSince, digest: sha256 };
  }

  /** The process dies; another one reads the journal. Nodes are not there at first, and what they were told last counts. */
  restart(): void {
    this.state = foldAll(emptyState(), this.journal);
    this.watchingSince = this.now;
    for (const node of this.nodes.values()) Object.assign(node, { connected: false, known: false });
  }

  connect(id: string): void {
    Object.assign(this.nodes.get(id)!, { connected: true, known: true });
  }

  refuse(id: string): void {
    const rollout = this.rollout;
    const counts = rollout.targets.includes(id) && !isEnd(rollout.state) && rollout.state !== "rollingBack";
    const body = { type: "nack" as const, node: id, group: "g", typeUrl: "t", error: "no", names: [] };
    this.append([counts ? { ...body, rollout: rollout.id } : body]);
  }

  abort(): void {
    if (isEnd(this.rollout.state)) return;
    const deadline = new Date(this.now + 5_000).toISOString();
    this.append([{ type: "rollout.rollingBack", rollout: "ro-1", why: "stop", deadline, end: "aborted", asked }]);
  }
}

type Action =
  | { readonly do: "connect" | "disconnect" | "ack" | "refuse"; readonly node: string }
  | { readonly do: "abort" | "restart" | "kill" }
  | { readonly do: "wait"; readonly ms: number };

const node = fc.constantFrom(...IDS);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("ack" as const), node }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("connect" as const, "disconnect" as const), node }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("refuse" as const), node }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("restart" as const, "kill" as const) }) },
  { weight: 1, arbitrary: fc.constant({ do: "abort" as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1_000, 5_000, 31_000) }) },
);

function perform(sim: Simulation, act: Action): void {
  switch (act.do) {
    case "connect":
      return sim.connect(act.node);
    case "disconnect":
      if (sim.nodes.get(act.node)!.known) sim.nodes.get(act.node)!.connected = false;
      return;
    case "ack": {
      const one = sim.nodes.get(act.node)!;
      if (one.connected) one.has = one.assigned;
      return;
    }
    case "refuse":
      return sim.nodes.get(act.node)!.connected ? sim.refuse(act.node) : undefined;
    case "abort":
      return sim.abort();
    case "restart":
    case "kill":
      return sim.restart();
    case "wait":
      sim.now += act.ms;
  }
}

function mustHold(sim: Simulation): void {
  const { rollout } = sim;
  const targets = new Set(rollout.targets);
  for (const [id, one] of sim.nodes) {
    if (!isEnd(rollout.state) && !targets.has(id))
      expect(sameState(one.assigned, TO), `${id} is outside the stage`).toBe(false);
  }
  for (const id of sim.given) expect(targets.has(id)).toBe(true);
  if (rollout.stage === 0) expect(rollout.targets.length).toBeLessThanOrEqual(2);
  if (rollout.refused.length > 0) expect(rollout.state).not.toBe("done");
  if (rollout.state === "done" && rollout.targets.length > 0) expect(rollout.acked.length).toBeGreaterThan(0);
  if (rollout.state === "done") expect(new Set([...rollout.acked, ...rollout.lost])).toEqual(targets);
  expect(sim.state.live).toEqual(rollout.state === "done" ? TO : FROM);
  expect(sim.state.active === null).toBe(isEnd(rollout.state));
}

it("whatever the fleet does and whenever it is killed, it keeps its promises and comes to an end", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("config" as const, "rollback" as const),
      fc.array(action, { maxLength: 25 }),
      (kind, actions) => {
        const sim = new Simulation(kind);
        for (const act of actions) {
          perform(sim, act);
          // A kill comes in the middle: one write, and no more.
          sim.step(act.do === "kill" ? 1 : 100);
          mustHold(sim);
          expect(foldAll(emptyState(), sim.journal)).toEqual(sim.state);
        }
        // Everyone comes and acknowledges: nothing may be left hanging.
        for (let round = 0; round < 4; round += 1) {
          for (const id of IDS) perform(sim, { do: "connect", node: id });
          sim.step();
          for (const id of IDS) perform(sim, { do: "ack", node: id });
          sim.step();
          mustHold(sim);
        }
        expect(isEnd(sim.rollout.state)).toBe(true);
      },
    ),
    { numRuns: 600 },
  );
});

it("with a fleet that says nothing, every rollout ends or is held", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 15 }), (actions) => {
      const sim = new Simulation("config");
      for (const act of actions) {
        perform(sim, act);
        sim.step();
      }
      for (let round = 0; round < 6; round += 1) {
        perform(sim, { do: "wait", ms: 31_000 });
        sim.step();
      }
      expect(isEnd(sim.rollout.state) || sim.rollout.state === "held").toBe(true);
    }),
    { numRuns: 300 },
  );
});
