import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CLUSTER, ENDPOINTS, LISTENER, ROUTES } from "../../../src/core/resource/type-url.ts";
import { culprits } from "../../../src/core/xds/culprits.ts";
import type { NackPolicy } from "../../../src/core/xds/nack-policy.ts";
import { retryDelay } from "../../../src/core/xds/nack-policy.ts";
import type { Action, World } from "./wire-model.ts";
import { action, content, held, SMALL, snapshot, Wire, wantedOf, world } from "./wire-model.ts";

const ATTEMPTS = 2;
const RETRY: NackPolicy = { retry: { afterMs: 1_000, atMostMs: 8_000, attempts: ATTEMPTS } };
const POLICIES: readonly NackPolicy[] = ["park", "rollback", "quarantine", RETRY];

/** Resources of a type in the model, at most. */
const RESOURCES = 3;

interface Run {
  readonly wire: Wire;
  /** What the view has of a type at the end, and whether the client can take all of it. */
  readonly wanted: Readonly<Record<string, string>>;
  readonly isGood: boolean;
}

/** Clusters and listeners are the types of which the words name the bad ones; the children are always good. */
const goodChildren = (made: World): World => ({ ...made, endpoints: "1", routes: "1" });

function ended(wire: Wire, actions: readonly Action[], last: World): Run[] {
  for (const step of actions) wire.act(step.do === "view" ? { ...step, world: goodChildren(step.world) } : step);
  const before = [CLUSTER, LISTENER].map((typeUrl) => wire.client.account(typeUrl).refusals);
  wire.act({ do: "view", world: last });
  wire.drain();
  for (let round = 0; round < 2 + ATTEMPTS; round += 1) {
    wire.act({ do: "wait", ms: 8_000 });
    wire.drain();
  }
  // One refusal was on its way, one is of the last view, and each answer to a refusal may be refused. A removal that was held
  // back is other content once it is due, and begins it anew.
  [CLUSTER, LISTENER].forEach((typeUrl, index) => {
    const refused = wire.client.account(typeUrl).refusals - (before[index] ?? 0);
    expect(refused).toBeLessThanOrEqual(2 + RESOURCES + (1 + RESOURCES) + ATTEMPTS);
  });
  const said = wire.sent;
  wire.act({ do: "wait", ms: 60_000 });
  wire.act({ do: "view", world: last });
  expect(wire.sent).toBe(said);
  const view = snapshot(last, SMALL);
  return [CLUSTER, LISTENER].map((typeUrl) => {
    const wanted = wantedOf(view, typeUrl);
    return { wire, wanted, isGood: !Object.values(wanted).some((version) => version.startsWith("bad")) };
  });
}

/** Reconnects are to the same process: another one does not know what the client had, and sets nothing back. */
const sameProcess = action.map((step): Action => (step.do === "reconnect" ? { ...step, same: true } : step));
const coins = fc.infiniteStream(fc.boolean());

describe.each(["sotw", "delta"] as const)("at rest, whatever happened before, %s", (dialect) => {
  const runs = (policy: NackPolicy, check: (run: Run, typeUrl: string) => void): void =>
    fc.assert(
      fc.property(
        fc.array(sameProcess, { maxLength: 40 }),
        world(content).map(goodChildren),
        coins,
        (actions, last, coin) => {
          const applies = (): boolean => coin.next().value as boolean;
          const wire = new Wire({ dialect, bytes: SMALL, applies, onNack: () => policy });
          ended(wire, actions, last).forEach((run, index) => check(run, [CLUSTER, LISTENER][index] ?? ""));
        },
      ),
      { numRuns: 1_000 },
    );

  test("P09 quarantine: all that is good is the view's, and of the bad what was acknowledged last", () => {
    runs("quarantine", ({ wire, wanted }, typeUrl) => {
      const { acked } = wire.client.account(typeUrl);
      const expected = Object.entries(wanted).flatMap(([name, version]): [string, string][] => {
        const had = version.startsWith("bad") ? acked.get(name) : version;
        return had === undefined ? [] : [[name, had]];
      });
      expect(held(wire, typeUrl)).toEqual(Object.fromEntries(expected));
    });
  });

  test("N15 rollback: the view where all of it is good, else exactly what was acknowledged before", () => {
    runs("rollback", ({ wire, wanted, isGood }, typeUrl) => {
      const { ackedBefore } = wire.client.account(typeUrl);
      expect(held(wire, typeUrl)).toEqual(isGood ? wanted : Object.fromEntries(ackedBefore ?? []));
    });
  });

  test.each(["park", RETRY] as const)("the view where all of it is good, and an end of it where not: %j", (policy) => {
    runs(policy, ({ wire, wanted, isGood }, typeUrl) => {
      if (isGood) expect(held(wire, typeUrl)).toEqual(wanted);
    });
  });

  test("each type has a policy of its own, also where other processes come: good content is taken in the end, and all is said", () => {
    const policies = fc.record(
      Object.fromEntries(
        [CLUSTER, ENDPOINTS, LISTENER, ROUTES].map((typeUrl) => [typeUrl, fc.constantFrom(...POLICIES)]),
      ),
    );
    fc.assert(
      fc.property(
        fc.tuple(fc.array(action, { maxLength: 60 }), policies),
        world(fc.constantFrom("1", "2", "3")),
        coins,
        ([actions, policyOf], last, coin) => {
          const applies = (): boolean => coin.next().value as boolean;
          const wire = new Wire({ dialect, bytes: SMALL, applies, onNack: (typeUrl) => policyOf[typeUrl] ?? "park" });
          for (const step of actions) wire.act(step);
          wire.act({ do: "view", world: last });
          wire.drain();
          wire.act({ do: "wait", ms: 6_000 });
          wire.drain();
          const view = snapshot(last, SMALL);
          for (const typeUrl of [CLUSTER, LISTENER, ENDPOINTS, ROUTES]) {
            expect([typeUrl, held(wire, typeUrl)]).toEqual([typeUrl, wantedOf(view, typeUrl)]);
          }
          expect(wire.converged).toBe(true);
          const before = wire.sent;
          wire.act({ do: "wait", ms: 60_000 });
          expect(wire.sent).toBe(before);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe("N7 the names that a refusal blames", () => {
  const sent = new Set(["a", "b", "reviews@v1", "x: y"]);
  test.each([
    ["Error adding/updating cluster(s) a: no", ["a"]],
    ["Error adding/updating cluster(s) a: no, b: also no", ["a", "b"]],
    ["Error adding/updating listener(s) a: no\nb: no\n", ["a", "b"]],
    ["Error adding/updating cluster(s) reviews@v1: goo.gle/debugstr \nb {\n  a: 1\n}\n: no", ["reviews@v1"]],
    ["Error adding/updating cluster(s) x: y: no", ["x: y"]],
    ["Error adding/updating cluster(s) gone: no", []],
    ["xDS response validation errors: [resource index 1: Cluster message validation failed: [no]]", ["b"]],
    ["xDS response validation errors: [resource index 0: no; resource index 2: no]", ["a", "reviews@v1"]],
    ["xDS response validation errors: [resource index 7: no]", []],
    ["Proto constraint validation failed (ClusterValidationError.ConnectTimeout: a)", []],
    ["", []],
  ])("%j: %j", (words, names) => {
    expect([...culprits(words, sent)]).toEqual(names);
  });
});

test("a retry waits twice as long each time, never longer than the most, and ends after its attempts", () => {
  const times = { afterMs: 500, atMostMs: 3_000, attempts: 5 };
  expect([1, 2, 3, 4, 5, 6].map((attempt) => retryDelay(attempt, times))).toEqual([
    500,
    1_000,
    2_000,
    3_000,
    3_000,
    undefined,
  ]);
});
