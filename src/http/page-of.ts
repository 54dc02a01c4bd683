import { invalid } from "./answer.ts";

interface Wish<T> {
  readonly limit: number;
  readonly after?: string | undefined;
  /** What of the list is wanted; all of it where this is not given. */
  readonly keep?: (item: T) => boolean;
}

/**
 * One page of a list. The place where it goes on is looked up in the whole list: an item that has meanwhile left what is
 * wanted still marks it.
 *
 * @param keyOf what `after` and `next` carry: unique in the list
 * @throws Refusal 422 where `after` names nothing in the list
 */
export function pageOfList<T>(
  list: readonly T[],
  keyOf: (item: T) => string,
  { limit, after, keep = () => true }: Wish<T>,
): { items: T[]; next?: string } {
  const start = after === undefined ? 0 : list.findIndex((item) => keyOf(item) === after) + 1;
  if (after !== undefined && start === 0) {
    const message = `nothing here is called "${after.slice(0, 60)}"`;
    const hint = "give the next of the page before, or leave it out";
    throw invalid([{ path: "after", message, hint, code: "bad-value" }]);
  }
  const rest = list.slice(start).filter(keep);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return rest.length > limit && last !== undefined ? { items, next: keyOf(last) } : { items };
}
