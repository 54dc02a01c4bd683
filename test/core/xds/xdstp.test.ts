import { describe, expect, test } from "vitest";
import { ENDPOINTS } from "../../../src/core/resource/type-url.ts";
import { canonicalName, canonicalNames, globOf, isGlob, isNameOfType } from "../../../src/core/resource/xdstp.ts";

describe("names that are URLs", () => {
  test.each([
    ["plain?b=1&a=2", "plain?b=1&a=2"],
    ["xdstp://a/t.T/x?b=1&a=2", "xdstp://a/t.T/x?a=2&b=1"],
    ["xdstp://a/t.T/x?a-b=1&a=2&a=1", "xdstp://a/t.T/x?a=1&a=2&a-b=1"],
    ["xdstp:///t.T/x/y", "xdstp:///t.T/x/y"],
    ["xdstp://a/t.T/x?#alt=y", "xdstp://a/t.T/x"],
    ["xdstp://a/t.T", "xdstp://a/t.T"],
    ["xdstp://a", "xdstp://a"],
    ["xdstp://", "xdstp://"],
  ])("%s is compared as %s", (name, expected) => {
    expect(canonicalName(name)).toBe(expected);
    expect(canonicalName(canonicalName(name))).toBe(expected);
  });

  test.each([
    ["xdstp://a/t.T/foo/bar", "xdstp://a/t.T/foo/*"],
    ["xdstp://a/t.T/foo/bar?k=v", "xdstp://a/t.T/foo/*?k=v"],
    ["xdstp://a/t.T/bar", "xdstp://a/t.T/*"],
    ["plain", undefined],
    ["xdstp://", undefined],
  ])("%s is in the collection %s", (name, glob) => {
    expect(globOf(name)).toBe(glob);
    if (glob !== undefined) expect(isGlob(glob)).toBe(true);
    expect(isGlob(name)).toBe(false);
  });

  test("say what type they are of", () => {
    expect(isNameOfType("plain", ENDPOINTS)).toBe(true);
    expect(isNameOfType("xdstp://a/envoy.config.endpoint.v3.ClusterLoadAssignment/x", ENDPOINTS)).toBe(true);
    expect(isNameOfType("xdstp://a/envoy.config.cluster.v3.Cluster/x", ENDPOINTS)).toBe(false);
    expect(isNameOfType("xdstp://", ENDPOINTS)).toBe(false);
  });

  test("a list without any is the list itself, whatever its length", () => {
    const long = Array.from({ length: 100 }, (_, index) => `n${index}`);
    for (const list of [["a"], long]) expect(canonicalNames(list)).toBe(list);
    const mixed = [...long, "xdstp://a/t.T/x?b=1&a=2"];
    expect(canonicalNames(mixed)).toEqual([...long, "xdstp://a/t.T/x?a=2&b=1"]);
    expect(canonicalNames(mixed)).toBe(canonicalNames(mixed));
  });
});
