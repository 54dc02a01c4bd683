import type { Draft } from "../journal/draft.ts";
import type { EventBody, JournalEvent } from "../journal/event.ts";
import type { RolloutRecord, RolloutState } from "../journal/state.ts";
import { shortTypeName } from "../resource/type-url.ts";
import { nodeNames } from "./node-names.ts";
import { isEnd, moved, type RolloutMove } from "./states.ts";

type Moving = Extract<EventBody, { readonly type: RolloutMove }>;
type Nack = Extract<EventBody, { readonly type: "nack" }>;

/** A rollout begins: it is the active one. */
export function startRollout(
  draft: Draft,
  { seq, at }: JournalEvent,
  body: Extract<EventBody, { readonly type: "rollout.started" }>,
): void {
  const { type: _, rollout: id, undoes, ...plan } = body;
  const why = `${plan.asked.by}: ${plan.asked.reason}`;
  draft.put("rollouts", id, {
    ...plan,
    id,
    state: "planned",
    stage: -1,
    since: at,
    targets: [],
    acked: [],
    refused: [],
    lost: [],
    undoes: undoes ?? [],
    startedAt: at,
    why,
    history: [{ at, text: `started by ${why}` }],
    seq,
  });
  draft.set({ active: id });
}

/**
 * One more event of a rollout. What its state does not take changes nothing: a journal is never unreadable for it.
 *
 * @returns the rollout after it, where there is one
 */
export function foldRollout(draft: Draft, { seq, at }: JournalEvent, body: Moving | Nack): RolloutRecord | undefined {
  const before = body.rollout === undefined ? undefined : draft.state.rollouts.get(body.rollout);
  if (before === undefined || isEnd(before.state)) return before;
  const state = body.type === "nack" ? before.state : moved(before.state, body);
  if (state === undefined) return before;
  const record = { ...changed(before, state, body, at), state, seq };
  const text = sentence(body);
  const after = text === undefined ? record : { ...record, history: [...record.history, { at, text }] };
  if (!isEnd(state)) {
    draft.put("rollouts", after.id, after);
    return after;
  }
  const { deadline: _, ends: __, ...ended } = after;
  draft.put("rollouts", after.id, { ...ended, endedAt: at });
  draft.set({ active: null });
  if (state === "done") draft.reach({ ...after.to, rollout: after.id, at }, after.to);
  return ended;
}

function changed(record: RolloutRecord, state: RolloutState, body: Moving | Nack, at: string): RolloutRecord {
  switch (body.type) {
    case "rollout.stage":
      return {
        ...record,
        stage: body.stage,
        since: body.stage === record.stage ? record.since : at,
        targets: [...record.targets, ...body.targets],
        deadline: body.deadline,
        why: `waits for ${nodeNames(body.targets)}`,
      };
    case "rollout.acked": {
      const acked = new Set([...record.acked, ...body.nodes]);
      return { ...record, acked: [...acked], lost: record.lost.filter((node) => !acked.has(node)) };
    }
    case "rollout.lost":
      return { ...record, lost: [...new Set([...record.lost, ...body.nodes])] };
    case "rollout.held":
    case "rollout.ended":
      return { ...record, why: body.why };
    case "rollout.resumed":
      return { ...record, why: body.why, deadline: body.deadline };
    case "rollout.rollingBack":
      return { ...record, why: body.why, deadline: body.deadline, ends: body.end, since: sinceBack(record, state, at) };
    case "nack": {
      const { node, typeUrl, error } = body;
      return { ...record, refused: [...record.refused, { node, typeUrl, error }] };
    }
  }
}

function sinceBack(record: RolloutRecord, state: RolloutState, at: string): string {
  return record.state === state ? record.since : at;
}

function sentence(body: Moving | Nack): string | undefined {
  switch (body.type) {
    case "rollout.stage":
      return body.targets.length === 0
        ? `stage ${body.stage + 1}: no connected host has anything to change`
        : `stage ${body.stage + 1}: goes to ${nodeNames(body.targets)}`;
    case "rollout.acked":
      return `acknowledged by ${nodeNames(body.nodes)}`;
    case "rollout.lost":
      return `not waiting for ${nodeNames(body.nodes)}: disconnected`;
    case "rollout.held":
      return `held: ${body.why}`;
    case "rollout.resumed":
      return `goes on: ${body.why}`;
    case "rollout.rollingBack":
      return `taken back: ${body.why}`;
    case "rollout.ended":
      return `${body.end}: ${body.why}`;
    case "nack":
      return `${body.node} refused ${shortTypeName(body.typeUrl)}: ${body.error}`;
  }
}
