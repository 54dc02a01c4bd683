import { describe, expect, it } from "vitest";
import { createMeshReader } from "../../src/file/mesh-reader.ts";
import { formatProblem } from "../../src/file/read-mesh.ts";

const MIB = 1024 * 1024;

function largeMesh(services: number): string {
  const lines = Array.from(
    { length: services },
    (_, n) => `  - { name: s${n}, owner: me, versions: { v1: { dns: "a:1" } } }`,
  );
  return `services:\n${lines.join("\n")}\n`;
}

/** Quick to send and slow to read. */
const HOSTILE = "- &a\n".repeat(400_000);

/** The longest time that the loop was away, in milliseconds, while something was done. */
async function longestPause(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  await work();
  clearInterval(timer);
  return longest;
}

describe("a mesh that is large", () => {
  it("is read as a small one is, with its problems in their places", async () => {
    const reader = createMeshReader();
    const sound = await reader.readText(largeMesh(2_000), "m.yaml");
    expect("mesh" in sound ? sound.mesh.services.length : sound.problems).toBe(2_000);
    const text = `${largeMesh(2_000)}  - { name: s0, owner: me, versions: {} }\n`;
    const bad = await reader.readText(text, "m.yaml");
    expect("problems" in bad ? bad.problems.map(formatProblem) : []).toContain(
      "m.yaml:2002:28: s0 has no versions (give it at least one)",
    );
    const found = [{ path: ["services", 1_999, "owner"], message: "nobody", code: "invalid" as const }];
    expect((await reader.locate(found, text, "m.yaml")).map(formatProblem)).toEqual(["m.yaml:2001:27: nobody"]);
  });

  it("is read as values too", async () => {
    const services = Array.from({ length: 2_000 }, (_, n) => ({
      name: `s${n}`,
      owner: "me",
      versions: { v1: { dns: "a:1" } },
    }));
    const read = await createMeshReader().readValue({ services });
    expect("mesh" in read ? read.mesh.services.length : read.problems).toBe(2_000);
  });

  it("is given up after its time, with a sentence, and the loop was free for others all the while", async () => {
    const reader = createMeshReader({ timeMs: 400, memoryMib: 1_024 });
    const pause = await longestPause(async () => {
      const read = await reader.readText(HOSTILE, "m.yaml");
      expect("problems" in read ? read.problems.map(formatProblem) : []).toEqual([
        "m.yaml:1:1: to read this takes longer than 0.4 s (nothing was read of it; make it smaller or plainer)",
      ]);
    });
    expect(pause).toBeLessThan(200);
    const next = await createMeshReader().readText(largeMesh(1_000), "m.yaml");
    expect(next).toHaveProperty("mesh");
  });

  it("is given up when it eats the memory of all others, and this process goes on", async () => {
    const reader = createMeshReader({ timeMs: 20_000, memoryMib: 32 });
    const read = await reader.readText("- \n".repeat(4 * MIB), "m.yaml");
    expect("problems" in read ? read.problems.map(({ code }) => code) : []).toEqual(["too-costly"]);
  });

  it("keeps its problems, without places, where looking for these takes too long", async () => {
    const reader = createMeshReader({ timeMs: 100, memoryMib: 1_024 });
    const found = [{ path: ["services", 0], message: "bad", code: "invalid" as const }];
    expect((await reader.locate(found, HOSTILE, "m.yaml")).map(formatProblem)).toEqual(["m.yaml: bad"]);
  });

  it("waits its turn; where many wait, the next is told to come back", async () => {
    const reader = createMeshReader({ timeMs: 200, memoryMib: 1_024 });
    const asked = Array.from({ length: 12 }, () =>
      reader.readText(HOSTILE, "m.yaml").then(
        () => "read",
        (error: Error) => error.message,
      ),
    );
    const answers = await Promise.all(asked);
    expect(answers.filter((answer) => answer === "read")).toHaveLength(9);
    expect(answers.at(-1)).toBe("many large meshes are being read already; ask again in a minute");
    // What is small does not wait behind them.
    void reader.readText(HOSTILE, "m.yaml");
    expect(await reader.readText(largeMesh(1), "m.yaml")).toHaveProperty("mesh");
  });
});
