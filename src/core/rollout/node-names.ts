/** More names than this say nothing more to a person. */
const MOST_NAMES = 5;

/** `edge-1, edge-2 and 7 more`; `no host` for none. */
export function nodeNames(nodes: readonly string[]): string {
  if (nodes.length === 0) return "no host";
  const shown = nodes.slice(0, MOST_NAMES).map(shortName);
  const more = nodes.length - shown.length;
  if (more > 0) return `${shown.join(", ")} and ${more} more`;
  const last = shown.pop() ?? "";
  return shown.length === 0 ? last : `${shown.join(", ")} and ${last}`;
}

function shortName(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}
