import { ControlError } from "../core/failure/control-error.ts";
import type { State } from "../core/journal/state.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { Fleet } from "./fleet.ts";

/**
 * A control plane that cannot read its store: it stays up to say why, answers no Envoy and changes nothing.
 * What Envoys have stays in force.
 */
export function unreadyControlPlane(why: string, empty: State, fleet: Fleet): ControlPlane {
  const refuse = (): Promise<never> => Promise.reject(new ControlError("not-ready", why));
  return {
    readiness: () => ({ ready: false, why }),
    state: () => empty,
    nodes: () => fleet.nodes(),
    node: (id) => fleet.node(id),
    mesh: refuse,
    source: refuse,
    check: () => [],
    publish: refuse,
    shift: refuse,
    rollOut: refuse,
    rollback: refuse,
    abort: refuse,
    journal: refuse,
    watch: () => () => {},
    close: () => Promise.resolve(),
  };
}
