import type { Asked, EventBody, JournalEvent } from "../../core/journal/event.ts";
import { shortTypeName } from "../../core/resource/type-url.ts";
import type { EventObject } from "../contract.ts";

/** What is not asked by a person is decided by Belay. */
const BELAY = "belay";

/** An event as the API shows it: who, why, what in a sentence, and the facts. */
export function eventObject({ seq, at, body }: JournalEvent): EventObject {
  const asked = "asked" in body ? body.asked : undefined;
  const facts = Object.entries(body).filter(([key]) => key !== "asked");
  return {
    ...Object.fromEntries(facts),
    seq,
    at,
    type: body.type,
    by: asked?.by ?? BELAY,
    reason: reasonOf(body, asked),
    text: sentenceOf(body),
    version: String(seq),
    allowedActions: [],
  };
}

function reasonOf(body: EventBody, asked: Asked | undefined): string {
  if (asked !== undefined) return asked.reason;
  if ("why" in body) return body.why;
  return body.type === "nack" ? body.error : "";
}

function sentenceOf(body: EventBody): string {
  switch (body.type) {
    case "revision.published":
      return body.seedWeights === undefined
        ? `revision ${body.revision} was published`
        : `revision ${body.revision}, the first, was published and is live at once`;
    case "rollout.started":
      return `${body.rollout} (${body.kind}${body.service === undefined ? "" : ` of ${body.service}`}) started`;
    case "rollout.stage":
      return body.targets.length === 0
        ? `${body.rollout} has no host left to go to, stage ${body.stage + 1}`
        : `${body.rollout} went to ${namesOf(body.targets)}, stage ${body.stage + 1}`;
    case "rollout.acked":
      return `${body.rollout} was acknowledged by ${namesOf(body.nodes)}`;
    case "rollout.lost":
      return `${body.rollout} does not wait for ${namesOf(body.nodes)}, which went away`;
    case "rollout.held":
      return `${body.rollout} is held: ${body.why}`;
    case "rollout.resumed":
      return `${body.rollout} goes on: ${body.why}`;
    case "rollout.rollingBack":
      return `${body.rollout} is being taken back: ${body.why}`;
    case "rollout.ended":
      return `${body.rollout} ended ${body.end}${body.why === "" ? "" : `: ${body.why}`}`;
    case "nack":
      return `${body.node} refused ${shortTypeName(body.typeUrl)}: ${body.error}`;
    case "nack.repaired":
      return `${body.node} took its ${shortTypeName(body.typeUrl)} again`;
    case "view.compiled":
      return `revision ${body.revision} was compiled for ${body.group}`;
  }
}

/** Names up to three, a number beyond. */
function namesOf(nodes: readonly string[]): string {
  if (nodes.length === 0) return "no host";
  return nodes.length > 3 ? `${nodes.length} hosts` : nodes.join(", ");
}
