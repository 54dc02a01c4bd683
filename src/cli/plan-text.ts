import type { Change, PlanObject } from "../http/contract.ts";
import { printable } from "./printable.ts";

const SIGNS = { added: "+", removed: "-", changed: "~" } as const;
const NODES_NAMED = 5;

/** What would happen: sentences, then each change, then whose configuration changes. */
export function planText({ summary, changes, nodes, rollout }: PlanObject): string {
  const lines = [...summary, ...changes.map(changeLine)];
  if (rollout !== null) lines.push(hostsLine(nodes));
  return `${lines.map(printable).join("\n")}\n`;
}

/** `+ route edge * /reviews is new` */
export function changeLine({ change, text }: Change): string {
  return `  ${SIGNS[change]} ${text}`;
}

function hostsLine(nodes: readonly string[]): string {
  if (nodes.length === 0) return "No connected Envoy is affected.";
  const named = nodes.slice(0, NODES_NAMED).join(", ");
  const more = nodes.length > NODES_NAMED ? ` and ${nodes.length - NODES_NAMED} more` : "";
  return `${nodes.length === 1 ? "One Envoy changes" : `${nodes.length} Envoys change`}: ${named}${more}. One host first and, once it has acknowledged, all.`;
}
