import type { Change, PlanObject } from "../http/contract.ts";
import { printable } from "./printable.ts";

const SIGNS = { added: "+", removed: "-", changed: "~" } as const;
/** What would happen: sentences, then each change. */
export function planText({ summary, changes }: PlanObject): string {
  const lines = [...summary, ...changes.map(changeLine)];
  return `${lines.map(printable).join("\n")}\n`;
}

/** `+ route edge * /reviews is new` */
export function changeLine({ change, text }: Change): string {
  return `  ${SIGNS[change]} ${text}`;
}
