import type { FleetState } from "../journal/event.ts";
import { sameSplit } from "../journal/same-state.ts";
import type { State } from "../journal/state.ts";
import { formatWeight, type Split } from "../mesh/weights.ts";

/** What a change from one state to another does to revision and weights, a sentence for each. */
export function changeSentences(from: FleetState, to: FleetState): string[] {
  const sentences: string[] = [];
  if (from.revision !== to.revision) sentences.push(revisionSentence(from.revision, to.revision));
  for (const service of new Set([...Object.keys(from.weights), ...Object.keys(to.weights)])) {
    const before = own(from, service);
    const after = own(to, service);
    if (before === undefined && after !== undefined && from.revision !== 0) {
      sentences.push(`${service} is added: ${splitText(after)}`);
    } else if (before !== undefined && after === undefined) {
      sentences.push(`${service} is taken out`);
    } else if (before !== undefined && after !== undefined && moves(before, after)) {
      sentences.push(`weights of ${service}: ${splitText(before)} -> ${splitText(after)}`);
    }
  }
  return sentences;
}

/** What a rollback takes back: the change itself, and the rollouts that had made it. */
export function undoesSentences(state: State, from: FleetState, to: FleetState): string[] {
  const sentences = changeSentences(from, to);
  const active = state.active === null ? undefined : state.rollouts.get(state.active);
  if (active !== undefined) sentences.push(`stops ${active.id} (${active.kind}), started by ${active.asked.by}`);
  const last = state.done.at(-1);
  const maker = active === undefined && last !== undefined && last.rollout !== null ? last.rollout : undefined;
  const rollout = maker === undefined ? undefined : state.rollouts.get(maker);
  if (rollout !== undefined) {
    sentences.push(`undoes ${rollout.id} (${rollout.kind}) by ${rollout.asked.by}: ${rollout.asked.reason}`);
  }
  return sentences;
}

/** `v1 95%, v2 5%`. */
export function splitText(split: Split): string {
  return Object.entries(split)
    .map(([version, weight]) => `${version} ${formatWeight(weight)}`)
    .join(", ");
}

function revisionSentence(from: number, to: number): string {
  return from === 0 ? `revision ${to} is the first` : `revision ${from} -> ${to}`;
}

/** Versions that come or go without traffic move nothing. */
function moves(before: Split, after: Split): boolean {
  return !sameSplit(withTraffic(before), withTraffic(after));
}

function withTraffic(split: Split): Split {
  return Object.fromEntries(Object.entries(split).filter(([, weight]) => weight > 0));
}

function own({ weights }: FleetState, service: string): Split | undefined {
  return Object.hasOwn(weights, service) ? weights[service] : undefined;
}
