import type { Said } from "./api.ts";
import { type Counts, type Latency, shareOf } from "./tally.ts";
import { elapsed, type Line, line, measured, number, percent, rowsOf } from "./text.ts";

/** All that the terminal shows, at one moment. */
export interface Moment {
  /** `2 Envoys 1.40.0`. */
  readonly fleet: string;
  readonly rate: number;
  readonly upMs: number;
  /** What the control plane says, or said last. */
  readonly said: Said;
  /** Since when it does not answer. */
  readonly awayMs?: number;
  readonly versions: readonly string[];
  readonly total: Counts;
  readonly latency: Latency;
  /** The last five seconds. */
  readonly recent: Counts;
  readonly page: string;
  readonly commands: readonly string[];
}

export const RECENT_SECONDS = 5;
const ENDED = new Set(["done", "rolledBack", "aborted", "failed"]);
const ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
const BAR = 30;

type Rollout = Said["rollouts"][number];
type Node = Said["nodes"][number];
type Split = Said["split"]["wanted"];

/** The rollout that has not ended, if there is one. */
function activeOf(said: Said): Rollout | undefined {
  return said.rollouts.find(({ state }) => !ENDED.has(state));
}

/** The whole picture, the answer first. In a low terminal the empty lines go, then the Envoys beyond the first. */
export function view(moment: Moment, size: { readonly rows: number; readonly columns: number }): Line[] {
  const taken = (lines: readonly Line[]): number => lines.reduce((sum, one) => sum + rowsOf(one, size.columns), 0);
  const above = [header(moment), GAP, heading(moment), GAP, ...split(moment), GAP, requests(moment), GAP];
  const below = [GAP, ...offers(moment)];
  const isLow = taken(above) + taken(below) + LEAST_FLEET > size.rows;
  const [first, last] = isLow ? [above, below].map((lines) => lines.filter((one) => one !== GAP)) : [above, below];
  const room = Math.max(LEAST_FLEET, size.rows - taken(first ?? []) - taken(last ?? []));
  const fleet = envoys(moment.said.nodes, room);
  const left = room - fleet.length - 1;
  const lately = left > 0 ? history(moment.said.rollouts, Math.min(3, left)) : [];
  return [...(first ?? []), ...fleet, ...lately, ...(last ?? [])];
}

const GAP = line("");
/** The title, one Envoy, and how many there are more. */
const LEAST_FLEET = 3;

function header({ fleet, rate, upMs }: Moment): Line {
  const quiet = `   ${fleet}, ${number(rate)} requests a second, up ${elapsed(upMs)}`;
  return line({ text: "Belay lab", look: "strong" }, { text: quiet, look: "quiet" });
}

/** One sentence to act on: what is wrong, else what is moving, else what is. */
export function heading(moment: Moment): Line {
  const { said, awayMs, versions } = moment;
  if (awayMs !== undefined) {
    return line({
      text: `The control plane has been away for ${elapsed(awayMs)}. Traffic goes on without it.`,
      look: "needs-a-person",
    });
  }
  const active = activeOf(said);
  if (active !== undefined)
    return line({ text: moving(active), look: active.state === "held" ? "needs-a-person" : "new" });
  const [last] = said.rollouts;
  const [refusal] = last?.hosts.refused ?? [];
  if (last?.state === "rolledBack" && refusal !== undefined) {
    const text = `${last.id} is rolled back: ${refusal.node} refused it, "${refusal.error.split("\n")[0]}"`;
    return line({ text, look: "wrong" });
  }
  return line({ text: `Nothing is moving. reviews: ${splitText(said.split.wanted, versions)}.`, look: "strong" });
}

function moving({ id, kind, state, hosts }: Rollout): string {
  const acked = `${hosts.acked.length} of ${hosts.target.length} hosts have acknowledged`;
  return `${id}, a ${kind}, is ${state === "rollingBack" ? "rolling back" : state}: ${acked}.`;
}

function splitText(weights: Split, versions: readonly string[]): string {
  return versions.map((version) => `${version} ${percent(weights[version] ?? 0)}`).join(", ");
}

function split({ said, versions, recent }: Moment): Line[] {
  const { wanted, acked } = said.split;
  const title = `  ${"reviews".padEnd(10)}${"wanted".padStart(8)}${"acked".padStart(9)}${"seen".padStart(9)}`;
  const rows = versions.map((version, index) => {
    const seen = shareOf(recent, version);
    const numbers = [percent(wanted[version] ?? 0).padStart(8), percent(acked[version] ?? 0).padStart(9)];
    const bar = "█".repeat(Math.round(seen * BAR));
    return line(`  ${version.padEnd(10)}${numbers.join("")}${measured(seen).padStart(9)}   `, {
      text: bar,
      look: index === 0 ? "quiet" : "new",
    });
  });
  return [line({ text: `${title}   of the last ${RECENT_SECONDS} s`, look: "quiet" }), ...rows];
}

function requests({ total, latency }: Moment): Line {
  const times = `   p50 ${latency.p50Ms.toFixed(1)} ms   p99 ${latency.p99Ms.toFixed(1)} ms`;
  const failed = { text: `   failed ${number(total.failed)}`, ...(total.failed > 0 ? { look: "wrong" as const } : {}) };
  const cause = total.firstFailure === undefined ? "" : `   first: ${total.firstFailure.cause}`;
  return line(
    `  requests ${number(total.sent)}`,
    failed,
    { text: times, look: "quiet" },
    { text: cause, look: "wrong" },
  );
}

function envoys(nodes: readonly Node[], room: number): Line[] {
  const title = `  ${"Envoy".padEnd(12)}${"acked".padEnd(9)}${"routes".padEnd(11)}state`;
  const shown = nodes.length < room ? nodes : nodes.slice(0, Math.max(1, room - 2));
  const rest = nodes.slice(shown.length);
  const odd = rest.filter(({ state }) => state !== "IN_SYNC").length;
  const more =
    rest.length === 0 ? [] : [line(`  and ${rest.length} more, ${odd === 0 ? "all IN_SYNC" : `${odd} not IN_SYNC`}`)];
  return [line({ text: title, look: "quiet" }), ...shown.map(envoy), ...more];
}

function envoy(node: Node): Line {
  const { acked, wanted } = node.revision;
  const revision = acked === null ? "–" : `r${acked}`;
  const routes = (node.types[ROUTES]?.version ?? "").slice(0, 8);
  const state = node.state === "STALE" && wanted !== acked ? `STALE, wants r${wanted}` : node.state;
  const look = node.state === "IN_SYNC" ? "good" : node.state === "REFUSED" ? "wrong" : "needs-a-person";
  return line(`  ${node.id.padEnd(12)}${revision.padEnd(9)}${routes.padEnd(11)}`, { text: state, look });
}

function history(rollouts: readonly Rollout[], count: number): Line[] {
  const lines = rollouts.slice(0, count).map(({ id, kind, state, reason }) => {
    return line({ text: `  ${id.padEnd(8)}${kind.padEnd(10)}${state.padEnd(12)}"${reason}"`, look: "quiet" });
  });
  return lines.length === 0 ? [] : [GAP, ...lines];
}

function offers({ page, commands }: Moment): Line[] {
  return [
    line("Status page ", { text: page, look: "strong" }),
    line({ text: "To try, in another terminal:", look: "quiet" }),
    ...commands.map((command) => ({ pieces: [{ text: command }], toCopy: true })),
    line({ text: "Ctrl-C ends all of it.", look: "quiet" }),
  ];
}

/** The same on one line, for where there is no terminal. */
export function plainLine(moment: Moment): string {
  const { said, awayMs, versions, recent, total } = moment;
  const { wanted } = said.split;
  const shares = versions.map((v) => `${v} ${measured(shareOf(recent, v))} (wanted ${percent(wanted[v] ?? 0)})`);
  const nodes = said.nodes.map(({ id, revision, state }) => `${id} r${revision.acked ?? "–"} ${state}`);
  const fleet = awayMs === undefined ? nodes.join(", ") : `control plane away for ${elapsed(awayMs)}`;
  const counts = `${number(total.sent)} requests, ${number(total.failed)} failed`;
  return `${elapsed(moment.upMs)}  reviews ${shares.join(", ")}  ${counts}  ${fleet}`;
}
