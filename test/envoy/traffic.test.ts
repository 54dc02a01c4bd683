import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labMesh } from "../../src/lab/mesh-text.ts";
import type { Counts } from "../../src/lab/tally.ts";
import { envoy, eventually, type Fleet, startFleet } from "./harness.ts";

const REQUESTS = 20_000;
/** At once; the next is sent when one has been answered. */
const BATCH = 200;

/** A mesh with a version more, as an owner would add it: one more cluster in every route. */
function withVersion(text: string, address: string): string {
  return text.replace("    traffic:", `      v3: { endpoints: ["${address}"] }\n    traffic:`);
}

describe.skipIf("missing" in envoy)("traffic through two Envoys follows what the operator says", () => {
  let fleet: Fleet;
  let mesh: string;

  beforeAll(async () => {
    fleet = await startFleet({
      versions: { v1: {}, v2: {} },
      mesh: (parts) => {
        mesh = labMesh(parts);
        return mesh;
      },
    });
  }, 60_000);
  afterAll(async () => fleet.close());

  async function shiftTo(basisPoints: number): Promise<void> {
    const weights = { v1: 10_000 - basisPoints, v2: basisPoints };
    const { state } = await fleet.rollOut("/v1/rollouts", {
      kind: "shift",
      service: "reviews",
      weights,
      reason: "a test",
    });
    expect(state).toBe("done");
  }

  async function send(count: number): Promise<Counts> {
    let byVersion = new Map<string, number>();
    let failed = 0;
    for (let sent = 0; sent < count; sent += BATCH) {
      const counts = (await fleet.burst(BATCH)).counts();
      failed += counts.failed;
      byVersion = new Map(
        [...byVersion.keys(), ...counts.byVersion.keys()].map((version) => [
          version,
          (byVersion.get(version) ?? 0) + (counts.byVersion.get(version) ?? 0),
        ]),
      );
    }
    return { sent: count, answered: count - failed, failed, byVersion, byStatus: new Map(), firstFailure: undefined };
  }

  test.each([
    [500, 0.043, 0.057],
    [50, 0.003, 0.007],
  ])("at %i basis points of 20,000 requests between %f and %f are answered by v2", async (weight, least, most) => {
    await shiftTo(weight);
    const { failed, byVersion } = await send(REQUESTS);
    expect(failed).toBe(0);
    const share = (byVersion.get("v2") ?? 0) / REQUESTS;
    expect(share).toBeGreaterThanOrEqual(least);
    expect(share).toBeLessThanOrEqual(most);
  });

  test("at 0 % exactly none, at 100 % exactly all", async () => {
    await shiftTo(0);
    expect((await send(4_000)).byVersion).toEqual(new Map([["v1", 4_000]]));
    await shiftTo(10_000);
    expect((await send(4_000)).byVersion).toEqual(new Map([["v2", 4_000]]));
  });

  test("forty moves up and down and twenty rollbacks under steady load, half of them of clusters: not one failed request", async () => {
    await shiftTo(0);
    const load = fleet.load(800);
    for (let move = 1; move <= 40; move += 1) await shiftTo(move % 2 === 1 ? 250 * move : 100);
    const v3 = fleet.upstreams.get("v2")?.address ?? "";
    for (let turn = 0; turn < 20; turn += 1) {
      if (turn % 2 === 0) await shiftTo(turn * 100 + 50);
      else {
        const source = withVersion(mesh, v3).replace('owner: "@lab"', `owner: "@lab-${turn}"`);
        const { state } = await fleet.rollOut("/v1/revisions", { source, reason: "one version more" });
        expect(state).toBe("done");
      }
      const back = await fleet.rollOut("/v1/rollbacks", { reason: "and back" });
      expect(back.state).toBe("done");
    }
    await eventually(() => load.total.counts().sent > 2_000, "the load has sent 2,000 requests");
    const counts = await load.stop();
    expect(counts.firstFailure).toBeUndefined();
    expect(counts.failed).toBe(0);
  }, 120_000);

  test("upstream connections are HTTP/2, by Envoy's own counters", async () => {
    for (const proxy of fleet.envoys) {
      const stats = await proxy.stats(
        "^cluster\\.reviews@v[12]\\.upstream_cx_(http1_total|http2_total|protocol_error)$",
      );
      expect(stats.get("cluster.reviews@v1.upstream_cx_http2_total")).toBeGreaterThan(0n);
      expect(stats.get("cluster.reviews@v2.upstream_cx_http2_total")).toBeGreaterThan(0n);
      expect(stats.get("cluster.reviews@v1.upstream_cx_http1_total")).toBe(0n);
      expect(stats.get("cluster.reviews@v2.upstream_cx_http1_total")).toBe(0n);
    }
  });
});
