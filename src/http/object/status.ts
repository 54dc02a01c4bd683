import type { NodeState, NodeStatus } from "../../control/fleet.ts";
import type { RolloutRecord, State } from "../../core/journal/state.ts";
import type { Mesh } from "../../core/mesh/mesh.ts";
import { isEnd } from "../../core/rollout/states.ts";
import type { Serving } from "../backend.ts";
import type { ServiceSplit, StatusObject } from "../contract.ts";
import { versioned } from "../versioned.ts";
import { isEverywhere } from "./rollout.ts";

/** The whole control plane in one object. A control plane that is not ready says what it can, and why it is not. */
export async function statusObject(backend: Serving): Promise<StatusObject> {
  const { controlPlane } = backend;
  const { ready, why } = controlPlane.readiness();
  const state = controlPlane.state();
  const active = activeOf(state);
  const ends = backend.xdsCertificateEnds?.();
  return versioned({
    ready,
    ...(why === undefined ? {} : { why }),
    leader: true,
    epoch: 1,
    seq: state.seq,
    xds: backend.xdsAddress,
    ...(ends === undefined ? {} : { xdsCertificate: { notAfter: new Date(ends).toISOString() } }),
    belay: backend.version,
    envoyApi: backend.codec.envoyVersion,
    revision: {
      live: state.live?.revision ?? null,
      knownGood: newestKnownGood(state),
      rolling: active !== undefined && active.to.revision !== state.live?.revision ? active.to.revision : null,
    },
    rollouts: [...state.rollouts.values()].filter((rollout) => !isEnd(rollout.state)).map(({ id }) => id),
    nodes: countNodes(controlPlane.nodes()),
    services: splitsOf(state, await liveMesh(backend, state)),
  });
}

function activeOf(state: State): RolloutRecord | undefined {
  return state.active === null ? undefined : state.rollouts.get(state.active);
}

function newestKnownGood(state: State): number | null {
  const good = [...state.revisions.values()].filter(({ status }) => status === "knownGood").map(({ n }) => n);
  return good.length === 0 ? null : Math.max(...good);
}

function countNodes(nodes: readonly NodeStatus[]): StatusObject["nodes"] {
  const connected = nodes.filter((node) => node.connected);
  const count = (state: NodeState): number => connected.filter((node) => node.state === state).length;
  return {
    connected: connected.length,
    inSync: count("IN_SYNC"),
    stale: count("STALE"),
    refused: count("REFUSED"),
    unmatched: count("UNMATCHED"),
    lost: nodes.length - connected.length,
  };
}

/** Owners and tiers are a courtesy: a mesh that cannot be read must not hide the rest of the status. */
async function liveMesh({ controlPlane, log }: Serving, state: State): Promise<Mesh | undefined> {
  if (state.live === null) return undefined;
  try {
    return await controlPlane.mesh(state.live.revision);
  } catch (error) {
    log.warn({ err: error }, `the mesh of revision ${state.live.revision} could not be read for the status`);
    return undefined;
  }
}

function splitsOf(state: State, mesh: Mesh | undefined): ServiceSplit[] {
  if (state.live === null) return [];
  const active = activeOf(state);
  const goesBack = active?.state === "rollingBack";
  const wanted = active === undefined || goesBack ? state.live.weights : active.to.weights;
  const acked = active !== undefined && isEverywhere(active) ? active.to.weights : state.live.weights;
  const services = new Map((mesh?.services ?? []).map((service) => [service.name, service]));
  return Object.keys(wanted)
    .sort()
    .map((name) => {
      const service = services.get(name);
      return {
        name,
        ...(service === undefined ? {} : { owner: service.owner, tier: service.tier }),
        weights: {
          wanted: { ...wanted[name] },
          acked: { ...(Object.hasOwn(acked, name) ? acked[name] : wanted[name]) },
        },
      };
    });
}
