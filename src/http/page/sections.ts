import { shortTypeName } from "../../core/resource/type-url.ts";
import { splitText } from "../../core/rollout/words.ts";
import type { NodeObject, RolloutObject, ServiceSplit } from "../contract.ts";
import { subjectOf } from "../words.ts";
import type { Scene } from "./headline.ts";
import { type Html, html } from "./html.ts";

const NODES_SHOWN = 200;
const NOTHING = html``;

/** Everything under the heading: what moves and what can be done, then who has what. */
export function sections(scene: Scene): Html {
  return html`${summary(scene)}${moving(scene)}${wayBack(scene)}${services(scene.status.services)}${nodes(scene.nodes)}${changes(scene)}`;
}

function summary({ status }: Scene): Html {
  const { live, knownGood } = status.revision;
  const { connected, inSync, stale, refused, unmatched, lost } = status.nodes;
  const rest = [
    [stale, "yet to acknowledge"],
    [refused, "refused"],
    [unmatched, "selected by nothing"],
    [lost, "away"],
  ] as const;
  const counts = [
    `${inSync} of ${connected} Envoys in sync`,
    ...rest.flatMap(([n, what]) => (n > 0 ? [`${n} ${what}`] : [])),
  ];
  const revision =
    live === null
      ? "Nothing is published yet."
      : `Revision ${live} is live${knownGood === live ? ", known-good" : ""}.`;
  return html`<p class="dim">${revision} ${counts.join(", ")}.</p>`;
}

function moving({ status, rollouts, command }: Scene): Html {
  const active = rollouts.filter(({ id }) => status.rollouts.includes(id));
  if (active.length === 0) return NOTHING;
  return html`<h2>Moving</h2>${active.map((rollout) => movingCard(rollout, command))}`;
}

function movingCard(rollout: RolloutObject, command: string): Html {
  const { hosts, stage, next } = rollout;
  const by = next.at === null ? "" : ` By ${clock(next.at)}, or it is held.`;
  const refused = hosts.refused.map(refusal);
  const abort = rollout.allowedActions.includes("abort")
    ? html`<p>Take it back: <code>${command} rollout abort ${rollout.id} --reason "…"</code></p>`
    : NOTHING;
  return html`<div class="card"><p><b>${subjectOf(rollout)}</b> ${mark(rollout.state)} <span class="dim">${rollout.id}</span></p>
<p>Stage ${stage.index + 1} of ${stage.count}: ${hosts.acked.length} of ${hosts.target.length} hosts have acknowledged${hosts.lost.length === 0 ? "" : `, ${hosts.lost.length} went away`}.</p>
<p>Next: it ${nextText(next.text)}.${by}</p>${refused}
<p class="dim">Started by ${rollout.by} at ${clock(rollout.startedAt)}: “${rollout.reason}”</p>${abort}</div>`;
}

function nextText(text: string): string {
  return text.replace(/^it /, "");
}

function services(list: readonly ServiceSplit[]): Html {
  if (list.length === 0) return NOTHING;
  const rows = list.map(({ name, owner, weights }) => {
    const wanted = splitText(weights.wanted);
    const acked = splitText(weights.acked);
    const mine = owner === undefined ? NOTHING : html` <span class="dim">${owner}</span>`;
    const has = acked === wanted ? html`${acked}` : html`${acked} ${mark("applying")}`;
    return html`<tr><td><b>${name}</b>${mine}</td><td>${wanted}</td><td>${has}</td></tr>`;
  });
  return html`<h2>Services</h2><div class="card"><table><tr><th>Service</th><th>wanted</th><th>acknowledged by all</th></tr>${rows}</table></div>`;
}

function nodes(list: readonly NodeObject[]): Html {
  if (list.length === 0)
    return html`<h2>Envoys</h2><div class="card"><p class="dim">None has connected since this process started.</p></div>`;
  const urgency: Readonly<Record<string, number>> = { REFUSED: 0, UNMATCHED: 1, STALE: 2, LOST: 3, IN_SYNC: 4 };
  const sorted = [...list].sort((a, b) => (urgency[a.state] ?? 9) - (urgency[b.state] ?? 9) || (a.id < b.id ? -1 : 1));
  const more =
    list.length > NODES_SHOWN
      ? html`<p class="dim">${list.length - NODES_SHOWN} more; belay fleet lists all.</p>`
      : NOTHING;
  return html`<h2>Envoys</h2><div class="card"><table>
<tr><th>Envoy</th><th>cluster</th><th>version</th><th>wanted</th><th>acknowledged</th><th>state</th></tr>
${sorted.slice(0, NODES_SHOWN).map(nodeRow)}</table>${more}</div>`;
}

function nodeRow(node: NodeObject): Html {
  const errors = Object.entries(node.types).flatMap(([typeUrl, { error }]) =>
    error === undefined ? [] : [html`<pre>${shortTypeName(typeUrl)}: ${error.trimEnd()}</pre>`],
  );
  const why = node.reason === undefined ? NOTHING : html`<br><span class="dim">${node.reason}</span>`;
  return html`<tr><td><b>${node.id}</b></td><td>${node.cluster}</td><td>${node.envoy}</td>
<td class="tight">${revisionText(node.revision.wanted)}</td><td class="tight">${revisionText(node.revision.acked)}</td>
<td>${mark(node.state)}${why}${errors}</td></tr>`;
}

function revisionText(revision: number | null): string {
  return revision === null ? "–" : `revision ${revision}`;
}

function changes({ rollouts }: Scene): Html {
  if (rollouts.length === 0) return NOTHING;
  const rows = rollouts.map(changeRow);
  return html`<h2>Last changes</h2><div class="card"><table><tr><th>when (UTC)</th><th>what</th><th>state</th><th>who and why</th></tr>${rows}</table></div>`;
}

function changeRow(rollout: RolloutObject): Html {
  const { id, startedAt, why, by, reason, state } = rollout;
  const refused = rollout.hosts.refused.map(refusal);
  const what = refused.length > 0 ? html`${refused}` : html`<br>${why}`;
  return html`<tr><td class="tight">${day(startedAt)}</td><td><b>${subjectOf(rollout)}</b> <span class="dim">${id}</span>${what}</td>
<td>${mark(state)}</td><td>${by}<br><span class="dim">“${reason}”</span></td></tr>`;
}

function refusal({ node, typeUrl, error }: RolloutObject["hosts"]["refused"][number]): Html {
  return html`<p>${node} refused ${shortTypeName(typeUrl)}. Envoy said:</p><pre>${error.trimEnd()}</pre>`;
}

function wayBack({ backTo, command }: Scene): Html {
  if (backTo === undefined)
    return html`<h2>The way back</h2><div class="card"><p class="dim">There is no earlier state to go back to yet.</p></div>`;
  return html`<h2 class="red">The way back</h2><div class="card back">${backTo.map((sentence) => html`<p>${sentence}</p>`)}<p>One host first, then all.</p><pre>${command} rollback --reason "…"</pre></div>`;
}

const MARKS: Readonly<Record<string, readonly [look: string, words: string]>> = {
  IN_SYNC: ["good", "in sync"],
  STALE: ["new", "sent, not acknowledged"],
  REFUSED: ["bad", "refused"],
  UNMATCHED: ["wait", "selected by nothing"],
  LOST: ["away", "away"],
  planned: ["new", "planned"],
  applying: ["new", "being sent"],
  held: ["wait", "held"],
  rollingBack: ["bad", "going back"],
  done: ["good", "done"],
  rolledBack: ["bad", "taken back"],
  aborted: ["wait", "aborted"],
  failed: ["bad", "failed"],
};

function mark(state: string): Html {
  const [look, words] = MARKS[state] ?? ["new", state];
  return html`<span class="mark ${look}">${words}</span>`;
}

function clock(at: string): string {
  return `${at.slice(11, 19)} UTC`;
}

function day(at: string): string {
  return at.slice(0, 19).replace("T", " ");
}
