import type { NodeObject, RolloutObject, Split, StatusObject } from "../http/contract.ts";

/** What the lab shows of what the control plane says. */
export interface Said {
  /** Of the service `reviews`, version → basis points: what is worked towards, and what every host has taken. */
  readonly split: { readonly wanted: Split; readonly acked: Split };
  readonly nodes: readonly Pick<NodeObject, "id" | "connected" | "state" | "revision" | "types">[];
  /** Newest first. */
  readonly rollouts: readonly Pick<RolloutObject, "id" | "kind" | "state" | "reason" | "hosts">[];
}

/** What is known before it has said anything. */
export const NOTHING_SAID: Said = { split: { wanted: {}, acked: {} }, nodes: [], rollouts: [] };

const SERVICE = "reviews";
const TIMEOUT_MS = 2_000;

/** Asks the control plane for the split, its nodes and its rollouts; undefined where it does not answer. */
export async function ask(server: string): Promise<Said | undefined> {
  try {
    const [status, nodes, rollouts] = await Promise.all([
      get<StatusObject>(`${server}/v1/status`),
      get<{ readonly items: readonly NodeObject[] }>(`${server}/v1/nodes?limit=1000`),
      get<{ readonly items: readonly RolloutObject[] }>(`${server}/v1/rollouts?limit=5`),
    ]);
    const split = status.services.find(({ name }) => name === SERVICE)?.weights ?? NOTHING_SAID.split;
    return { split, nodes: [...nodes.items].sort(byId), rollouts: rollouts.items };
  } catch {
    return undefined;
  }
}

/** `edge-2` before `edge-10`. */
function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id.localeCompare(b.id, "en", { numeric: true });
}

async function get<T>(url: string): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as T;
}

/** 200 of `/readyz`. */
export async function isReady(server: string): Promise<boolean> {
  return fetch(`${server}/readyz`, { signal: AbortSignal.timeout(TIMEOUT_MS) }).then(
    (response) => response.ok,
    () => false,
  );
}

/** Every node that is connected has acknowledged all that it should have, and `count` of them are connected. */
export function allInSync(said: Said | undefined, count: number): boolean {
  const connected = said?.nodes.filter((node) => node.connected) ?? [];
  return connected.length === count && connected.every((node) => node.state === "IN_SYNC");
}
