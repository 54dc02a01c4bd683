import type { NodeObject } from "../../http/contract.ts";
import { EXIT, usage } from "../failure.ts";
import { table } from "../printable.ts";
import type { Session } from "../session.ts";

export interface FleetFlags {
  readonly notOn?: string;
  readonly refused?: boolean;
}

/** `belay fleet`: who runs what. */
export async function fleet(session: Session, { notOn, refused }: FleetFlags): Promise<number> {
  const revision = /^r?([1-9]\d{0,14})$/.exec(notOn ?? "1")?.[1];
  if (revision === undefined) throw usage(`--not-on ${notOn}: a revision is a number; belay revision list shows them`);
  const nodes = await session.client().all<NodeObject>("/v1/nodes");
  const items = nodes
    .filter((node) => notOn === undefined || node.revision.acked !== Number(revision))
    .filter((node) => refused !== true || node.state === "REFUSED")
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const filter =
    refused === true
      ? "refused what they were sent"
      : notOn === undefined
        ? undefined
        : `are not on revision ${revision}`;
  session.result({ items }, fleetText(nodes, items, filter));
  return EXIT.done;
}

function fleetText(all: readonly NodeObject[], items: readonly NodeObject[], filter: string | undefined): string {
  const connected = all.filter((node) => node.connected);
  const inSync = connected.filter(({ state }) => state === "IN_SYNC").length;
  const head =
    filter === undefined
      ? `${inSync} of ${connected.length} connected Envoys have what they should.`
      : `${items.length} of ${all.length} Envoys ${filter}.`;
  if (items.length === 0)
    return `${all.length === 0 ? "No Envoy has connected since the control plane started." : head}\n`;
  const rows = items.map((node) => [
    node.id,
    node.cluster,
    node.group === "" ? "–" : node.group,
    node.envoy === "" ? "–" : node.envoy,
    revisionText(node.revision.wanted),
    revisionText(node.revision.acked),
    STATES[node.state],
    noteOf(node),
  ]);
  return `${head}\n\n${table(["ENVOY", "CLUSTER", "GROUP", "VERSION", "WANTED", "ACKED", "STATE", "NOTE"], rows)}`;
}

/** The words of the status page. */
const STATES: Readonly<Record<NodeObject["state"], string>> = {
  IN_SYNC: "in sync",
  STALE: "sent, not acknowledged",
  REFUSED: "refused",
  UNMATCHED: "selected by nothing",
  LOST: "away",
};

function revisionText(revision: number | null): string {
  return revision === null ? "–" : `r${revision}`;
}

function noteOf({ reason, types, connected, since }: NodeObject): string {
  if (!connected) return `since ${since.slice(0, 19)}Z`;
  const error = Object.values(types).find((type) => type.error !== undefined)?.error;
  return error ?? reason ?? "";
}
