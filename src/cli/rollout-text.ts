import { shortTypeName } from "../core/resource/type-url.ts";
import { splitText } from "../core/rollout/words.ts";
import type { RolloutObject } from "../http/contract.ts";
import { subjectOf } from "../http/words.ts";
import { clock, day, printable, table } from "./printable.ts";
import type { Session } from "./session.ts";

const TONES: Readonly<Record<string, "good" | "wait" | "bad">> = {
  done: "good",
  held: "wait",
  aborted: "wait",
  rolledBack: "bad",
  rollingBack: "bad",
  failed: "bad",
};

const WORDS: Readonly<Record<string, string>> = { rolledBack: "rolled back", rollingBack: "rolling back" };

function stateText(session: Session, state: string): string {
  const words = WORDS[state] ?? state;
  const tone = TONES[state];
  return tone === undefined ? words : session.tint(tone, words);
}

/** How it ended, or where it stands, and what to do about it. */
export function outcomeText(session: Session, rollout: RolloutObject): string {
  const { id, state, hosts } = rollout;
  const reached = `${hosts.acked.length} of ${hosts.target.length} hosts`;
  const head = `${id} ${stateText(session, state)}: ${subjectOf(rollout)}`;
  if (state === "done") return `${head} on ${hosts.target.length === 0 ? "no host, none was affected" : reached}.\n`;
  const lines = [`${head}; ${sentence(printable(rollout.why))}`];
  if (state === "held")
    lines.push(`${reached} acknowledged. You can: belay rollout abort ${id} · belay rollout watch ${id}`);
  if (state === "rolledBack") lines.push("Every host that had it is back on what it had before.");
  return `${lines.join("\n")}\n`;
}

function sentence(said: string): string {
  const text = said.trimEnd();
  return text === "" || /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** What an Envoy said when it refused, word for word. */
export function refusalText({ node, typeUrl, error }: RolloutObject["hosts"]["refused"][number]): string {
  return `${node} refused ${shortTypeName(typeUrl)}: ${error}`;
}

/** Everything about one rollout. */
export function rolloutText(session: Session, rollout: RolloutObject): string {
  const { id, kind, state, stage, weights, hosts, next, history } = rollout;
  const place = stage.index < 0 ? "not started" : `stage ${stage.index + 1} of ${stage.count}`;
  const by = next.at === null ? "" : ` (by ${clock(next.at)}, or it is held)`;
  const actions = rollout.allowedActions.length === 0 ? "nothing" : rollout.allowedActions.join(", ");
  const lines = [
    `${id}  ${kind}  ${subjectOf(rollout)}  ${stateText(session, state)}, ${place}`,
    `why      ${rollout.why}`,
    `next     ${next.text}${by}   you can: ${actions}`,
    `hosts    ${hosts.acked.length} of ${hosts.target.length} acknowledged, ${hosts.refused.length} refused, ${hosts.lost.length} went away`,
  ];
  if (Object.keys(weights.wanted).length > 0) {
    lines.push(`weights  wanted ${splitText(weights.wanted)}   acknowledged by all ${splitText(weights.acked)}`);
  }
  lines.push(
    `asked    ${day(rollout.startedAt)} by ${rollout.by}: "${rollout.reason}"`,
    ...rollout.undoes.map((text) => `undoes   ${text}`),
  );
  lines.push(...hosts.refused.map((refusal) => `refused  ${refusalText(refusal)}`));
  lines.push("", ...[...history].reverse().map(({ at, text }) => `${clock(at)}  ${text}`));
  return `${printableLines(lines)}\n`;
}

/** Colours are ours and stay; what came from elsewhere was made safe before. */
function printableLines(lines: readonly string[]): string {
  return lines.map((line, index) => (index === 0 ? line : printable(line.trimEnd()))).join("\n");
}

/** One line a rollout. */
export function rolloutsTable(rollouts: readonly RolloutObject[]): string {
  if (rollouts.length === 0) return "Nothing has been rolled out yet.\n";
  const rows = rollouts.map((rollout) => [
    rollout.id,
    rollout.kind,
    WORDS[rollout.state] ?? rollout.state,
    subjectOf(rollout),
    `${rollout.hosts.acked.length}/${rollout.hosts.target.length}`,
    day(rollout.startedAt),
    rollout.by,
    rollout.reason,
  ]);
  return table(["ID", "KIND", "STATE", "WHAT", "HOSTS", "STARTED (UTC)", "BY", "REASON"], rows);
}
