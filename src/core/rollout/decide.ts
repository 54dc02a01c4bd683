import type { EventBody } from "../journal/event.ts";
import type { RolloutRecord, State } from "../journal/state.ts";
import type { Digest } from "../resource/resource.ts";
import { shortTypeName } from "../resource/type-url.ts";
import { nodeNames } from "./node-names.ts";
import { firstHost } from "./tier.ts";

/** A stage without its acknowledgements is in doubt after this long, in milliseconds. */
export const ACK_LIMIT_MS = 30_000;

/** The same on the way back, where the bytes are known to work. */
export const BACK_LIMIT_MS = 5_000;

/** Envoys may need this long to come back to a control plane that was away, in milliseconds. */
export const RETURN_LIMIT_MS = 30_000;

/** After so many first hosts went away without an answer, the next is not risked: it may be the target that ends them. */
const MOST_FIRST_HOSTS = 2;

/** What is seen of one node, for the rollout that is active. */
export interface NodeEvidence {
  /** `unseen`: it has not come since this process began to watch. */
  readonly presence: "connected" | "gone" | "unseen";
  /** 0 (most critical) .. 3. */
  readonly tier: number;
  /** The target has something for it that it does not have. */
  readonly changes: boolean;
  /** It has been given the target and has acknowledged all that it asks for of it. */
  readonly acked: boolean;
  /** It has acknowledged all of what it goes back to, or there is nothing for it to go back to. */
  readonly back: boolean;
}

/** What is seen of all nodes; it may be looked up only when it is asked for. */
export interface NodesEvidence extends Iterable<readonly [string, NodeEvidence]> {
  get(node: string): NodeEvidence | undefined;
}

/** What `decide` looks at besides the journal. */
export interface Evidence {
  readonly nodes: NodesEvidence;
  /** When this process began to watch, in milliseconds since the epoch. */
  readonly watchingSince: number;
  readonly digest: Digest;
}

const UNSEEN: NodeEvidence = { presence: "unseen", tier: 0, changes: false, acked: false, back: false };

/** One rollout, what is seen, and the time. */
interface Case {
  readonly rollout: RolloutRecord;
  readonly evidence: Evidence;
  readonly now: number;
}

/**
 * What happens next to the active rollout: events to append, none where it is waiting. It keeps nothing: from the same
 * journal and evidence it comes to the same events, whoever was stopped in between.
 */
export function decide(state: State, evidence: Evidence, now: number): readonly EventBody[] {
  const rollout = state.active === null ? undefined : state.rollouts.get(state.active);
  if (rollout === undefined) return [];
  const c: Case = { rollout, evidence, now };
  switch (rollout.state) {
    case "planned":
      return allSeen(c) ? stage(c, 0) : [];
    case "applying":
      return onApplying(c);
    case "held":
      return onHeld(c);
    case "rollingBack":
      return onRollingBack(c);
    case "done":
    case "rolledBack":
    case "aborted":
    case "failed":
      return [];
  }
}

/** When `decide` must be asked again though nothing happened, in milliseconds since the epoch. */
export function wakeAt(state: State, evidence: Evidence, now: number): number | undefined {
  const rollout = state.active === null ? undefined : state.rollouts.get(state.active);
  if (rollout === undefined || rollout.state === "held") return undefined;
  const c: Case = { rollout, evidence, now };
  const times = [deadline(c), ...(allSeen(c) ? [] : [evidence.watchingSince + RETURN_LIMIT_MS])];
  const next = Math.min(...times.filter((time) => time > now));
  return Number.isFinite(next) ? next : undefined;
}

/** How long the hosts of a stage have. */
function limitOf({ rollout }: Case): number {
  return rollout.kind === "rollback" ? BACK_LIMIT_MS : ACK_LIMIT_MS;
}

function later(now: number, ms: number): string {
  return new Date(now + ms).toISOString();
}

function seen(c: Case, node: string): NodeEvidence {
  return c.evidence.nodes.get(node) ?? UNSEEN;
}

function isOlderThanUs({ rollout, evidence }: Case): boolean {
  return Date.parse(rollout.startedAt) < evidence.watchingSince;
}

/** When doubt begins. After a restart the hosts are given the time to come back first. */
function deadline(c: Case): number {
  const given = c.rollout.deadline === undefined ? Number.POSITIVE_INFINITY : Date.parse(c.rollout.deadline);
  return isOlderThanUs(c) ? Math.max(given, c.evidence.watchingSince + RETURN_LIMIT_MS) : given;
}

/** A stage takes the nodes that are connected at its start: after a restart it waits for those that were here before. */
function allSeen(c: Case): boolean {
  if (!isOlderThanUs(c) || c.now >= c.evidence.watchingSince + RETURN_LIMIT_MS) return true;
  return (c.rollout.nodes ?? []).every((node) => seen(c, node).presence !== "unseen");
}

function stage(c: Case, index: number): readonly EventBody[] {
  const { rollout, now } = c;
  const candidates = candidatesOf(c);
  const first = rollout.stages[index]?.hosts === 1;
  const chosen = first ? firstHost(candidates, rollout.id, c.evidence.digest) : undefined;
  const targets = first ? (chosen === undefined ? [] : [chosen]) : candidates.map(({ node }) => node);
  return [{ type: "rollout.stage", rollout: rollout.id, stage: index, targets, deadline: later(now, limitOf(c)) }];
}

function candidatesOf({ rollout, evidence }: Case): { readonly node: string; readonly tier: number }[] {
  const taken = new Set(rollout.targets);
  const candidates: { node: string; tier: number }[] = [];
  for (const [node, { presence, changes, tier }] of evidence.nodes) {
    if (presence === "connected" && changes && !taken.has(node)) candidates.push({ node, tier });
  }
  return candidates;
}

function onApplying(c: Case): readonly EventBody[] {
  const news = newsOf(c);
  if (news.length > 0) return news;
  if (c.rollout.refused.length > 0) return takeBack(c);
  const waiting = waitingFor(c);
  if (waiting.length === 0) return advance(c);
  if (c.now < deadline(c)) return [];
  const absent = waiting.filter((node) => seen(c, node).presence === "unseen");
  if (absent.length > 0) return [{ type: "rollout.lost", rollout: c.rollout.id, nodes: absent }];
  return hold(c, `no acknowledgement from ${nodeNames(waiting)} within ${limitOf(c) / 1_000} s`);
}

function onHeld(c: Case): readonly EventBody[] {
  const { rollout } = c;
  const news = newsOf(c);
  const acked = news.flatMap((event) => (event.type === "rollout.acked" ? event.nodes : []));
  if (acked.length > 0) return [...news, resume(c, `${nodeNames(acked)} acknowledged late`)];
  if (news.length > 0) return news;
  if (rollout.refused.length > 0) return takeBack(c);
  if (waitingFor(c).length > 0) return [];
  const next = advance(c);
  if (next.length === 0 || next.some(({ type }) => type === "rollout.held")) return [];
  return [resume(c, "nothing is left to wait for"), ...next];
}

function onRollingBack(c: Case): readonly EventBody[] {
  const { rollout, now } = c;
  const touched = [...new Set([...rollout.targets, ...(rollout.strays ?? []).flatMap(({ nodes }) => nodes)])];
  const gone = touched.filter((node) => seen(c, node).presence === "gone" && !rollout.lost.includes(node));
  if (gone.length > 0) return [{ type: "rollout.lost", rollout: rollout.id, nodes: gone }];
  const pending = touched.filter((node) => seen(c, node).presence !== "gone" && !seen(c, node).back);
  const end = rollout.ends ?? "rolledBack";
  if (pending.length === 0) return ended(c, end, rollout.why);
  if (now < deadline(c)) return [];
  const stuck = pending.filter((node) => seen(c, node).presence === "connected");
  if (stuck.length === 0) return ended(c, end, rollout.why);
  return ended(c, "failed", `${nodeNames(stuck)} did not acknowledge the way back; ${rollout.why}`);
}

/** Acknowledgements and losses that the journal does not have yet. */
function newsOf(c: Case): EventBody[] {
  const { id: rollout, stage: index, targets } = c.rollout;
  const acked = new Set(c.rollout.acked);
  const lost = new Set(c.rollout.lost);
  const newlyAcked = targets.filter((node) => !acked.has(node) && seen(c, node).acked);
  const newlyLost = targets.filter((node) => !acked.has(node) && !lost.has(node) && seen(c, node).presence === "gone");
  return [
    ...(newlyAcked.length === 0 ? [] : [{ type: "rollout.acked" as const, rollout, stage: index, nodes: newlyAcked }]),
    ...(newlyLost.length === 0 ? [] : [{ type: "rollout.lost" as const, rollout, nodes: newlyLost }]),
  ];
}

function waitingFor({ rollout }: Case): readonly string[] {
  const settled = new Set([...rollout.acked, ...rollout.lost]);
  return rollout.targets.filter((node) => !settled.has(node));
}

/** Nothing is waited for any more: the next stage, or the end. */
function advance(c: Case): readonly EventBody[] {
  const { rollout } = c;
  if (rollout.targets.length > 0 && rollout.acked.length === 0) return tryAnother(c);
  if (rollout.stage < rollout.stages.length - 1) return allSeen(c) ? stage(c, rollout.stage + 1) : [];
  const lost = rollout.lost.length === 0 ? "" : `, not waiting for ${nodeNames(rollout.lost)}`;
  const acked = rollout.acked.length;
  if (acked === 0) return ended(c, "done", "no connected host has anything to change");
  return ended(c, "done", `acknowledged by ${acked} ${acked === 1 ? "host" : "hosts"}${lost}`);
}

/** All that took the target went away without a word: that is not a success, and it may not be chance. */
function tryAnother(c: Case): readonly EventBody[] {
  const { rollout } = c;
  const first = rollout.stages[rollout.stage]?.hosts === 1;
  if (first && rollout.targets.length < MOST_FIRST_HOSTS && candidatesOf(c).length > 0) return stage(c, rollout.stage);
  return hold(c, `${nodeNames(rollout.targets)} disconnected before acknowledging, and no host has acknowledged yet`);
}

function hold({ rollout }: Case, why: string): readonly EventBody[] {
  return [{ type: "rollout.held", rollout: rollout.id, why }];
}

function resume(c: Case, why: string): EventBody {
  return { type: "rollout.resumed", rollout: c.rollout.id, why, deadline: later(c.now, limitOf(c)) };
}

function takeBack({ rollout, now }: Case): readonly EventBody[] {
  const refusal = rollout.refused[0];
  const why =
    refusal === undefined ? "refused" : `${refusal.node} refused ${shortTypeName(refusal.typeUrl)}: ${refusal.error}`;
  const back = later(now, BACK_LIMIT_MS);
  return [{ type: "rollout.rollingBack", rollout: rollout.id, why, deadline: back, end: "rolledBack" }];
}

function ended(
  { rollout }: Case,
  end: "done" | "rolledBack" | "aborted" | "failed",
  why: string,
): readonly EventBody[] {
  return [{ type: "rollout.ended", rollout: rollout.id, end, why }];
}
