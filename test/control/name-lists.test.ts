import { expect, test } from "vitest";
import { NameLists } from "../../src/control/name-lists.ts";

test("equal lists are one list, others are not mistaken for it", () => {
  const lists = new NameLists(() => 0);
  const first = ["a", "b", "c"];
  expect(lists.one(first)).toBe(first);
  expect(lists.one(["a", "b", "c"])).toBe(first);
  const other = ["a", "x", "c"];
  expect(lists.one(other)).toBe(other);
});

test("keeps a bounded number of lists, however many are asked for", () => {
  const lists = new NameLists(() => 0);
  const first = ["first"];
  lists.one(first);
  for (let index = 0; index < 1_000; index += 1) lists.one([`name ${index}`]);
  const again = ["first"];
  expect(lists.one(again)).toBe(again);
});

test("and bounded bytes in them, however long the lists are", () => {
  const lists = new NameLists(() => 0, { bytes: 20_000 });
  const listOf = (mark: string): string[] => Array.from({ length: 100 }, (_, n) => `${mark}${n}`);
  const [first, second, third] = [listOf("a"), listOf("b"), listOf("c")];
  for (const list of [first, second, third]) lists.one(list);
  expect(lists.one(listOf("c"))).toBe(third);
  expect(lists.one(listOf("b"))).toBe(second);
  expect(lists.one(listOf("a"))).not.toBe(first);
  const endless = Array.from({ length: 300 }, (_, n) => `d${n}`);
  expect(lists.one(endless)).toBe(endless);
  expect(lists.one([...endless])).not.toBe(endless);
});

test("a list that nobody has asked for in five minutes goes with the next that is new", () => {
  let now = 0;
  const lists = new NameLists(() => now);
  const [once, often] = [["once"], ["often"]];
  lists.one(once);
  lists.one(often);
  now = 4 * 60_000;
  expect(lists.one(["often"])).toBe(often);
  now = 5 * 60_000;
  lists.one(["new"]);
  expect(lists.one(["often"])).toBe(often);
  expect(lists.one(["once"])).not.toBe(once);
});

test("P58 and however long the names are: 1,000 lists of one name of a mebibyte do not stay", () => {
  const lists = new NameLists(() => 0);
  const kept = Array.from({ length: 200 }, (_, n) => [`${n}${"x".repeat(1024 ** 2)}`]);
  for (const list of kept) lists.one(list);
  const isKept = (list: readonly string[]): boolean => lists.one([...list]) === list;
  // Each weighs six mebibytes: two bytes a character, thrice, for the key has it twice.
  expect(kept.toReversed().findIndex((list) => !isKept(list))).toBe(21);
});
