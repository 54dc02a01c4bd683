/**
 * A function that gives for the same value the same result, and for a result that result again: who shared a value goes on
 * sharing what was made of it. Values are found by identity, and kept by nothing here.
 */
export function memoised<V extends object>(change: (value: V) => V): (value: V) => V {
  const made = new WeakMap<V, V>();
  return (value) => {
    const before = made.get(value);
    if (before !== undefined) return before;
    const after = change(value);
    made.set(value, after);
    made.set(after, after);
    return after;
  };
}
