import { invalid } from "./answer.ts";

/**
 * One page of a list.
 *
 * @param keyOf what `after` and `next` carry: unique in the list
 * @throws Refusal 422 where `after` names nothing in the list
 */
export function pageOfList<T>(
  list: readonly T[],
  keyOf: (item: T) => string,
  { limit, after }: { limit: number; after?: string | undefined },
): { items: T[]; next?: string } {
  const start = after === undefined ? 0 : list.findIndex((item) => keyOf(item) === after) + 1;
  if (after !== undefined && start === 0) {
    const hint = "give the next of the page before, or leave it out";
    throw invalid([
      { path: "after", message: `nothing here is called "${after.slice(0, 60)}"`, hint, code: "bad-value" },
    ]);
  }
  const items = list.slice(start, start + limit);
  const last = items.at(-1);
  return start + limit < list.length && last !== undefined ? { items, next: keyOf(last) } : { items };
}
