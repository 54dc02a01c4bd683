import type { CST } from "yaml";

/** Collections in each other that are composed; a mesh is read to 64 levels. */
const DEPTH_LIMIT = 128;

/**
 * Where a text is nested beyond reason, as an offset; undefined where it is not. It is looked for in the tokens, before
 * they are composed: composing recurses, and an engine that runs out of stack while it compiles a regular expression
 * does not throw, it aborts the whole process. Walks without recursion.
 */
export function tooDeepAt(tokens: readonly CST.Token[]): number | undefined {
  const open: { readonly token: CST.Token; readonly depth: number }[] = [];
  for (const token of tokens) open.push({ token, depth: 0 });
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    const { token, depth } = item;
    if (depth > DEPTH_LIMIT) return token.offset;
    for (const inside of tokensIn(token)) open.push({ token: inside, depth: depth + 1 });
  }
  return undefined;
}

function tokensIn(token: CST.Token): CST.Token[] {
  if (token.type === "document") return token.value === undefined ? [] : [token.value];
  if (!("items" in token)) return [];
  const parts = token.items.flatMap((item) => [item.key, item.value]);
  return parts.filter((part): part is CST.Token => part !== undefined && part !== null);
}
