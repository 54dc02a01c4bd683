import { expect, test } from "vitest";
import type { Placement } from "../../src/control/placement.ts";
import type { RefusalLimits } from "../../src/control/refusals.ts";
import { Refusals } from "../../src/control/refusals.ts";
import type { EventBody } from "../../src/core/journal/event.ts";
import { emptyState, foldAll } from "../../src/core/journal/fold.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";

/** Refusals that are journaled at once, and what the journal has of them. No rollout is under way. */
function journaling(limits: Partial<RefusalLimits> = {}) {
  const refusals = new Refusals(limits);
  let state = emptyState();
  const journal: EventBody[] = [];
  const turn = (): void => {
    const { events, taken } = refusals.events(state, {} as Placement);
    refusals.clear(taken);
    for (const body of events) {
      const event = { seq: state.seq + 1, at: new Date(0).toISOString(), body };
      state = foldAll(state, [event]);
      refusals.onJournal(event);
      journal.push(body);
    }
  };
  const nodeOf = (id: string) => ({ id, cluster: "edge", labels: {}, zone: "", envoyVersion: "" });
  const refuse = (id: string, error: string, names: readonly string[] = ["a"]): void => {
    refusals.onFleet({
      kind: "refused",
      node: nodeOf(id),
      group: "g",
      typeUrl: CLUSTER,
      version: "1",
      nonce: "n",
      error,
      names,
    });
    turn();
  };
  const repair = (id: string): void => {
    refusals.onFleet({ kind: "repaired", node: nodeOf(id), typeUrl: CLUSTER });
    turn();
  };
  return { journal, refuse, repair, unrepaired: () => [...state.unrepaired.keys()] };
}

test("P58 a node that refuses in other words each time fills no journal, and what it brings into doubt is never left out", () => {
  const { journal, refuse, repair } = journaling({ contents: 3 });
  for (let n = 0; n < 100; n += 1) refuse("one", `no ${n}`);
  expect(journal).toHaveLength(3);
  refuse("one", "no 100", ["a", "b"]);
  refuse("one", "no 101", ["a", "b"]);
  expect(journal.slice(3)).toMatchObject([{ error: "no 100", names: ["a", "b"] }]);
  repair("one");
  refuse("one", "no 102");
  expect(journal.slice(4)).toMatchObject([{ type: "nack.repaired" }, { error: "no 102" }]);
});

test("P58 of made-up nodes that refuse only so many are journaled; those that are keep their place, and others get it once they are repaired", () => {
  const { refuse, repair, unrepaired } = journaling({ open: 3 });
  for (const id of ["real", "made-up-1", "made-up-2", "made-up-3"]) refuse(id, "no");
  expect(unrepaired()).toEqual(["real", "made-up-1", "made-up-2"]);
  repair("made-up-1");
  refuse("late", "no");
  expect(unrepaired()).toEqual(["real", "made-up-2", "late"]);
});
