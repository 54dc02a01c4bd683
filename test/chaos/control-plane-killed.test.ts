import { setTimeout as pause } from "node:timers/promises";
import { describe, test } from "vitest";
import type { StatusObject } from "../../src/http/contract.ts";
import { envoy, startFleet } from "../envoy/harness.ts";

/** As long as the promise says. */
const DEAD_MS = 30_000;

describe.skipIf("missing" in envoy)("the control plane is killed with -9 while traffic flows", () => {
  // Side by side, for most of it is waiting.
  test.concurrent.for([
    ["state of the world", false],
    ["delta", true],
  ] as const)(
    "for 30 s not one request fails; after the restart nothing is applied again and the split is what it was: %s",
    async ([, delta], { expect, onTestFinished }) => {
      const fleet = await startFleet({ delta });
      onTestFinished(() => fleet.close());
      const weights = { v1: 9_000, v2: 1_000 };
      const shift = { kind: "shift", service: "reviews", weights, reason: "a tenth" };
      expect((await fleet.rollOut("/v1/rollouts", shift)).state).toBe("done");
      const load = fleet.load(200);
      await fleet.server.kill();
      const dead = load.open();
      await pause(DEAD_MS);
      const without = await dead.close();
      expect(without.firstFailure).toBeUndefined();
      expect(without.failed).toBe(0);
      expect(without.sent).toBeGreaterThan(4_000);

      const before = await fleet.applied();
      await fleet.server.start();
      await fleet.inSync();
      const after = load.open();
      await pause(3_000);
      expect((await after.close()).failed).toBe(0);
      expect(await fleet.appliedSince(before)).toEqual([]);
      const status = await fleet.get<StatusObject>("/v1/status");
      expect(status.services.find(({ name }) => name === "reviews")?.weights.acked).toEqual(weights);
      expect((await load.stop()).failed).toBe(0);
    },
  );
});
