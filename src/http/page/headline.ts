import type { NodeObject, RolloutObject, StatusObject } from "../contract.ts";
import { subjectOf } from "../words.ts";

/** What the page is made from. */
export interface Scene {
  readonly status: StatusObject;
  /** The newest first. */
  readonly rollouts: readonly RolloutObject[];
  readonly nodes: readonly NodeObject[];
  /** What a rollback would do, in sentences; undefined where there is nothing to go back to. */
  readonly backTo: readonly string[] | undefined;
  /** `belay`, with `--server` where it is needed. */
  readonly command: string;
}

/** The answer as a sentence, for the top of the page. */
export function headline(scene: Scene): string {
  const text = answer(scene);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The answer, in one sentence that a person woken at night can act on: what is wrong, what needs you, what is moving. */
function answer({ status, rollouts, nodes }: Scene): string {
  if (!status.ready) return `Belay is not ready: ${status.why ?? "it does not serve yet"}`;
  const active = rollouts.find(({ id }) => status.rollouts.includes(id));
  if (active !== undefined) return movingSentence(active);
  const refused = nodes.filter(({ connected, state }) => connected && state === "REFUSED");
  if (refused.length > 0)
    return `${hosts(refused.length)} refused what ${refused.length === 1 ? "it was" : "they were"} sent`;
  const last = rollouts[0];
  if (last !== undefined && (last.state === "rolledBack" || last.state === "failed")) return endedSentence(last);
  const { connected, unmatched, inSync } = status.nodes;
  if (connected === 0) return "No Envoy is connected";
  if (unmatched > 0)
    return `${hosts(unmatched)} ${unmatched === 1 ? "gets" : "get"} nothing: the mesh does not select ${unmatched === 1 ? "it" : "them"}`;
  if (inSync < connected)
    return `${hosts(connected - inSync)} of ${connected} ${connected - inSync === 1 ? "has" : "have"} yet to acknowledge`;
  const connectedOnes = status.nodes.lost > 0 ? "connected " : "";
  return connected === 1
    ? `Everything is normal: the one ${connectedOnes}Envoy has what it should`
    : `Everything is normal: all ${connected} ${connectedOnes}Envoys have what they should`;
}

function movingSentence(rollout: RolloutObject): string {
  const what = subjectOf(rollout);
  if (rollout.state === "held") return `${what} is held and needs you: ${rollout.why}`;
  if (rollout.state === "rollingBack") return `${what} is being taken back: ${causeOf(rollout)}`;
  const acked = `${rollout.hosts.acked.length} of ${rollout.hosts.target.length}`;
  return `One change is moving: ${what}, acknowledged by ${acked} so far`;
}

function endedSentence(rollout: RolloutObject): string {
  const what = subjectOf(rollout);
  return `${what} ${rollout.state === "failed" ? "failed" : "was taken back by itself"}: ${causeOf(rollout)}`;
}

/** Who refused it; Envoy's own words stand below, they are no heading. */
function causeOf({ hosts: { refused }, why }: RolloutObject): string {
  const [first] = refused;
  if (first === undefined) return why;
  return refused.length === 1 ? `${first.node} refused it` : `${refused.length} Envoys refused it`;
}

function hosts(count: number): string {
  return count === 1 ? "One Envoy" : `${count} Envoys`;
}
