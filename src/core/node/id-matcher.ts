/** How CSDS says which node ids are meant. */
export interface IdMatcher {
  readonly kind: "any" | "exact" | "prefix" | "suffix" | "contains";
  readonly text: string;
  readonly ignoreCase: boolean;
}

/** Is the node meant by any of them? None at all mean every node. */
export function matchesAny(matchers: readonly IdMatcher[], nodeId: string): boolean {
  return matchers.length === 0 || matchers.some((matcher) => matches(matcher, nodeId));
}

function matches({ kind, text, ignoreCase }: IdMatcher, nodeId: string): boolean {
  if (kind === "any") return true;
  const id = ignoreCase ? nodeId.toLowerCase() : nodeId;
  const wanted = ignoreCase ? text.toLowerCase() : text;
  if (kind === "exact") return id === wanted;
  if (kind === "prefix") return id.startsWith(wanted);
  return kind === "suffix" ? id.endsWith(wanted) : id.includes(wanted);
}
