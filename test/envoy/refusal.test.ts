import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NodeObject, RolloutObject } from "../../src/http/contract.ts";
import { labMesh } from "../../src/lab/mesh-text.ts";
import { envoy, type Fleet, startFleet } from "./harness.ts";
import { KEY_MARK, REFUSED } from "./refusals.ts";

interface JournalPage {
  readonly items: readonly { readonly seq: number; readonly type: string; readonly at: string }[];
}

const BACK_WITHIN_MS = 2_000;

describe.skipIf("missing" in envoy).each([
  ["state of the world", false],
  ["delta", true],
])("a revision that Envoy refuses, %s", (_dialect, delta) => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await startFleet({ envoys: 3, delta });
  }, 60_000);
  afterAll(async () => fleet.close());

  async function journal(after: number): Promise<JournalPage["items"]> {
    return (await fleet.get<JournalPage>(`/v1/journal?after=${after}&limit=1000`)).items;
  }

  async function lastSeq(): Promise<number> {
    return (await fleet.get<{ readonly seq: number }>("/v1/status")).seq;
  }

  async function rejections(): Promise<bigint[]> {
    const counted = fleet.envoys.map(async (proxy) => {
      const stats = await proxy.stats("^(cluster_manager\\.cds|listener_manager\\.lds)\\.update_rejected$");
      return [...stats.values()].reduce<bigint>((sum, count) => sum + (typeof count === "bigint" ? count : 0n), 0n);
    });
    return Promise.all(counted);
  }

  test.each(REFUSED)(
    "P57 reaches one Envoy, is recorded in its words without keys, and the fleet is back: $what",
    async ({ yaml, words }) => {
      const before = await lastSeq();
      const refusedBefore = await rejections();
      const load = fleet.load(150);
      // The address of the Envoy that is asked first is not known: each gateway's own is used by one raw listener for each.
      const resources = yaml.includes("GATEWAY_PORT")
        ? fleet.envoys
            .map(({ id, listen }) =>
              yaml.replace("GATEWAY_PORT", listen.split(":")[1] ?? "").replace("{ cluster: edge }", `{ id: ${id} }`),
            )
            .join("")
        : yaml;
      const source = labMesh({ ...fleet.parts, resources });
      const rollout: RolloutObject = await fleet.rollOut("/v1/revisions", { source, reason: "a mistake" });

      expect(rollout.state).toBe("rolledBack");
      expect(rollout.hosts.refused).toHaveLength(1);
      expect(rollout.hosts.refused[0]?.error).toContain(words);
      expect(rollout.hosts.acked).toEqual([]);

      const refusedAfter = await rejections();
      expect(refusedAfter.filter((count, index) => count > (refusedBefore[index] ?? 0n))).toHaveLength(1);

      const events = await journal(before);
      const nack = events.find(({ type }) => type === "nack");
      const ended = events.find(({ type }) => type === "rollout.ended");
      expect(JSON.stringify(nack)).toContain(words);
      const back = Date.parse(ended?.at ?? "") - Date.parse(nack?.at ?? "");
      expect(back).toBeGreaterThanOrEqual(0);
      expect(back).toBeLessThanOrEqual(BACK_WITHIN_MS);

      await fleet.inSync();
      const nodes = (await fleet.get<{ readonly items: readonly NodeObject[] }>("/v1/nodes")).items;
      expect(nodes.map(({ state, revision }) => [state, revision.acked])).toEqual(nodes.map(() => ["IN_SYNC", 1]));
      const counts = await load.stop();
      expect(counts.firstFailure).toBeUndefined();
      expect(counts.failed).toBe(0);
      for (const shown of [events, rollout, nodes]) expect(JSON.stringify(shown)).not.toContain(KEY_MARK);
    },
  );

  test("what was refused is not in force anywhere afterwards", async () => {
    for (const proxy of fleet.envoys) {
      const dump = JSON.stringify(await proxy.configDump());
      expect(dump).not.toContain('"name":"extra"');
    }
  });

  test("a bad mesh file never gets that far: exit 2, the place, what is wrong, what to do", async () => {
    const before = await lastSeq();
    const { code, stderr } = await fleet.belay(
      "apply",
      "-f",
      "test/envoy/bad-mesh.yaml",
      "--reason",
      "a slip",
      "--yes",
    );
    expect(code).toBe(2);
    expect(stderr).toContain("test/envoy/bad-mesh.yaml:9:33: there is no service revews (did you mean reviews?)");
    expect(await lastSeq()).toBe(before);
  });
});
