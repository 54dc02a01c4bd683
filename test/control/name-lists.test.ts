import { expect, test } from "vitest";
import { NameLists } from "../../src/control/name-lists.ts";

test("equal lists are one list, others are not mistaken for it", () => {
  const lists = new NameLists();
  const first = ["a", "b", "c"];
  expect(lists.one(first)).toBe(first);
  expect(lists.one(["a", "b", "c"])).toBe(first);
  const other = ["a", "x", "c"];
  expect(lists.one(other)).toBe(other);
});

test("keeps a bounded number of lists, however many are asked for", () => {
  const lists = new NameLists();
  const first = ["first"];
  lists.one(first);
  for (let index = 0; index < 1_000; index += 1) lists.one([`name ${index}`]);
  const again = ["first"];
  expect(lists.one(again)).toBe(again);
});
