import fc from "fast-check";
import { expect, test } from "vitest";
import { CLUSTER, ENDPOINTS, LISTENER, ROUTES } from "../../../src/core/resource/type-url.ts";
import { action, goodContent, held, LARGE, SMALL, snapshot, Wire, wantedOf, world } from "./wire-model.ts";

test.each([
  ["sotw", "", SMALL],
  ["delta", "", SMALL],
  ["delta", " in portions (P62)", LARGE],
] as const)(
  "P19 whatever happened, at rest the client has its view, and nothing is said without a cause: %s%s",
  (dialect, _, bytes) => {
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 60 }),
        world(goodContent),
        fc.infiniteStream(fc.boolean()),
        (actions, last, coins) => {
          const wire = new Wire({ dialect, bytes, applies: () => coins.next().value as boolean });
          for (const step of actions) wire.act(step);
          wire.act({ do: "view", world: last });
          wire.drain();
          wire.act({ do: "wait", ms: 6_000 });
          wire.drain();
          const view = snapshot(last, bytes);
          for (const typeUrl of [CLUSTER, LISTENER, ENDPOINTS, ROUTES]) {
            expect([typeUrl, held(wire, typeUrl)]).toEqual([typeUrl, wantedOf(view, typeUrl)]);
          }
          expect(wire.converged).toBe(true);
          const before = wire.sent;
          wire.act({ do: "wait", ms: 60_000 });
          wire.act({ do: "view", world: last });
          expect(wire.sent).toBe(before);
        },
      ),
      { numRuns: bytes === LARGE ? 2_000 : 10_000 },
    );
  },
  120_000,
);
