/** The parts of the API's objects that the lab shows. */
export interface NodeObject {
  readonly id: string;
  readonly connected: boolean;
  readonly state: string;
  readonly revision: { readonly wanted: number | null; readonly acked: number | null };
  readonly types: Readonly<
    Record<string, { readonly state: string; readonly version: string; readonly error?: string }>
  >;
}

export interface RolloutObject {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly service?: string;
  readonly reason: string;
  readonly weights?: { readonly wanted?: Weights; readonly acked?: Weights };
  readonly hosts: {
    readonly target: readonly string[];
    readonly acked: readonly string[];
    readonly refused: readonly { readonly node: string; readonly typeUrl: string; readonly error: string }[];
    readonly lost: readonly string[];
  };
}

/** Version → basis points. */
export type Weights = Readonly<Record<string, number>>;

/** What the control plane says; undefined where it does not answer. */
export interface Said {
  readonly nodes: readonly NodeObject[];
  /** Newest first. */
  readonly rollouts: readonly RolloutObject[];
}

const TIMEOUT_MS = 2_000;

/** Asks the control plane for its nodes and rollouts. */
export async function ask(server: string): Promise<Said | undefined> {
  try {
    const [nodes, rollouts] = await Promise.all([
      list<NodeObject>(`${server}/v1/nodes`),
      list<RolloutObject>(`${server}/v1/rollouts?limit=10`),
    ]);
    return { nodes, rollouts };
  } catch {
    return undefined;
  }
}

async function list<T>(url: string): Promise<readonly T[]> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return ((await response.json()) as { items: readonly T[] }).items;
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
