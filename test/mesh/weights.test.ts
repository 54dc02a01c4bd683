import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Mesh, Weights } from "../../src/core/mesh/mesh.ts";
import { carryWeights, formatWeight, parseWeight, seedWeights, shiftWeights } from "../../src/core/mesh/weights.ts";
import { meshOf } from "../compile/read-mesh.ts";

const ORDER = ["v1", "v2", "v3"];

function shifted(current: Record<string, number>, asked: Record<string, number>, order = ORDER): unknown {
  const result = shiftWeights(current, asked, order);
  return "weights" in result ? result.weights : result.problems.map(({ code, message }) => `${code}: ${message}`);
}

describe("a shift to exact weights", () => {
  it.each([
    ["one of two", { v1: 10_000, v2: 0 }, { v2: 500 }, ["v1", "v2"], { v1: 9_500, v2: 500 }],
    [
      "the others keep their proportion",
      { v1: 6_000, v2: 3_000, v3: 1_000 },
      { v3: 4_000 },
      ORDER,
      { v1: 4_000, v2: 2_000, v3: 4_000 },
    ],
    [
      "the first takes it where the others have none",
      { v1: 0, v2: 0, v3: 10_000 },
      { v3: 2_500 },
      ORDER,
      { v1: 7_500, v2: 0, v3: 2_500 },
    ],
    [
      "what cannot be divided goes by the largest remainder",
      { v1: 1, v2: 1, v3: 9_998 },
      { v3: 9_999 },
      ORDER,
      { v1: 1, v2: 0, v3: 9_999 },
    ],
    ["all to one", { v1: 9_000, v2: 1_000 }, { v2: 10_000 }, ["v1", "v2"], { v1: 0, v2: 10_000 }],
    ["all named", { v1: 10_000, v2: 0 }, { v1: 1, v2: 9_999 }, ["v1", "v2"], { v1: 1, v2: 9_999 }],
    [
      "names that objects have already",
      { constructor: 10_000, toString: 0 },
      { toString: 1 },
      ["constructor", "toString"],
      { constructor: 9_999, toString: 1 },
    ],
  ])("%s", (_, current, asked, order, weights) => {
    expect(shifted(current as Record<string, number>, asked as Record<string, number>, order)).toEqual(weights);
  });

  it.each([
    ["a version that there is not", { v9: 500 }, ['unknown-version: the service has no version "v9"']],
    [
      "more than the whole",
      { v1: 6_000, v2: 4_001 },
      ["weights-sum: the weights make 100.01%: more than the whole traffic"],
    ],
    [
      "all named, and not the whole",
      { v1: 1, v2: 2, v3: 3 },
      ["weights-sum: the weights make 0.06%: every version is named, so they must make 100%"],
    ],
    [
      "less than nothing",
      { v1: -1 },
      ["bad-weight: the weight of v1 must be a whole number of basis points, 0 to 10000"],
    ],
    ["a fraction", { v1: 0.5 }, ["bad-weight: the weight of v1 must be a whole number of basis points, 0 to 10000"]],
    [
      "no number",
      { v1: Number.NaN },
      ["bad-weight: the weight of v1 must be a whole number of basis points, 0 to 10000"],
    ],
    ["nothing", {}, ["weights-empty: no version is named"]],
  ])("is refused for %s", (_, asked, says) => {
    expect(shifted({ v1: 10_000, v2: 0, v3: 0 }, asked as Record<string, number>)).toEqual(says);
  });

  it("always totals 100%, never goes below nothing, gives what was asked, and is the same again", () => {
    fc.assert(
      fc.property(
        splits(),
        fc.array(fc.tuple(fc.nat(7), fc.nat(10_000)), { minLength: 1, maxLength: 8 }),
        (current, wishes) => {
          const order = Object.keys(current);
          const asked = Object.fromEntries(wishes.map(([at, weight]) => [order[at % order.length] ?? "", weight]));
          const result = shiftWeights(current, asked, order);
          const total = sum(Object.values(asked));
          const whole = Object.keys(asked).length === order.length ? total === 10_000 : total <= 10_000;
          expect("weights" in result).toBe(whole);
          if (!("weights" in result)) return;
          expect(Object.keys(result.weights)).toEqual(order);
          expect(sum(Object.values(result.weights))).toBe(10_000);
          expect(Object.values(result.weights).every((weight) => Number.isInteger(weight) && weight >= 0)).toBe(true);
          expect(result.weights).toMatchObject(asked);
          expect(shiftWeights(result.weights, asked, order)).toEqual(result);
        },
      ),
    );
  });

  it("changes the order of size of nobody who was not named", () => {
    fc.assert(
      fc.property(splits(), fc.nat(10_000), (current, weight) => {
        const [first = "", ...others] = Object.keys(current);
        const result = shiftWeights(current, { [first]: weight }, [first, ...others]);
        if (!("weights" in result)) return;
        const bySize = [...others].sort((a, b) => (current[a] ?? 0) - (current[b] ?? 0));
        if (sum(bySize.map((version) => current[version] ?? 0)) === 0) return;
        const sizes = bySize.map((version) => result.weights[version] ?? 0);
        for (const [at, version] of bySize.entries()) {
          const smaller = bySize[at - 1];
          if (smaller === undefined || current[smaller] === current[version]) continue;
          expect(sizes[at]).toBeGreaterThanOrEqual(sizes[at - 1] ?? 0);
        }
      }),
    );
  });
});

describe("the weights of a new mesh", () => {
  const mesh = shop("v1: 90%, v2: 10%");

  it("start with the traffic of the file on an empty fleet", () => {
    expect(seedWeights(mesh)).toEqual({ reviews: { v1: 9_000, v2: 1_000 }, ratings: { v1: 10_000 } });
  });

  it("stay what rollouts made them, whatever the file says of traffic", () => {
    const previous = { reviews: { v1: 500, v2: 9_500 }, ratings: { v1: 10_000 } };
    expect(carryWeights(mesh, previous)).toEqual({ weights: previous, problems: [] });
  });

  it("give new versions nothing and new services their traffic, and forget services that went", () => {
    const previous = { reviews: { v1: 10_000 }, gone: { v1: 10_000 } };
    expect(carryWeights(mesh, previous)).toEqual({
      weights: { reviews: { v1: 10_000, v2: 0 }, ratings: { v1: 10_000 } },
      problems: [],
    });
  });

  it("let a version without traffic go", () => {
    const previous = { reviews: { v0: 0, v1: 10_000 }, ratings: { v1: 10_000 } };
    expect(carryWeights(mesh, previous)).toMatchObject({ weights: { reviews: { v1: 10_000, v2: 0 } }, problems: [] });
  });

  it("do not let a version with traffic go", () => {
    const { problems } = carryWeights(mesh, { reviews: { v0: 5, v1: 9_995 } });
    expect(problems).toEqual([
      {
        path: ["services", 0, "versions"],
        message: "reviews@v0 still has 0.05% of the traffic and is gone from the mesh",
        hint: "shift it away first: belay shift reviews v0=0%",
        code: "version-in-use",
      },
    ]);
  });

  it("are whole for every service, however the versions changed", () => {
    fc.assert(
      fc.property(splits(), (before) => {
        const { weights, problems } = carryWeights(mesh, { reviews: before, ratings: { v1: 10_000 } } as Weights);
        for (const split of Object.values(weights)) expect(sum(Object.values(split))).toBe(10_000);
        const gone = Object.entries(before).some(([version, weight]) => weight > 0 && !["v1", "v2"].includes(version));
        expect(problems.length > 0).toBe(gone);
      }),
    );
  });
});

describe("weights in files and on the command line", () => {
  it.each([
    ["5%", 500],
    ["0.05%", 5],
    ["0.5%", 50],
    ["100%", 10_000],
    ["100.00%", 10_000],
    ["0%", 0],
    ["7.500%", 750],
    ["33.33 %", 3_333],
  ])("%s", (text, basisPoints) => {
    expect(parseWeight(text)).toEqual({ basisPoints });
  });

  it.each([
    "5",
    "5.5",
    "",
    "%",
    "-1%",
    "1e1%",
    "5%%",
    "0.005%",
    "100.01%",
    "five%",
    "5 percent",
    "٥%",
    `${"9".repeat(400)}%`,
  ])("%s is none", (text) => {
    expect(parseWeight(text)).toHaveProperty("message");
  });

  it("read back as what they are", () => {
    fc.assert(
      fc.property(fc.nat(10_000), (basisPoints) => {
        expect(parseWeight(formatWeight(basisPoints))).toEqual({ basisPoints });
      }),
    );
    expect([500, 5, 50, 10_000, 0, 1_234].map(formatWeight)).toEqual(["5%", "0.05%", "0.5%", "100%", "0%", "12.34%"]);
  });
});

/** One to eight versions whose weights are whole. */
function splits(): fc.Arbitrary<Record<string, number>> {
  return fc.array(fc.nat(10_000), { minLength: 0, maxLength: 7 }).map((cuts) => {
    const edges = [0, ...cuts, 10_000].sort((a, b) => a - b);
    return Object.fromEntries(edges.slice(1).map((edge, at) => [`v${at + 1}`, edge - (edges[at] ?? 0)]));
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function shop(traffic: string): Mesh {
  return meshOf(`services:
  - name: reviews
    owner: me
    versions: { v1: { dns: "a:1" }, v2: { dns: "b:1" } }
    traffic: { ${traffic} }
  - { name: ratings, owner: me, versions: { v1: { dns: "c:1" } } }`);
}
