import type { Weights } from "../mesh/mesh.ts";
import type { FleetState } from "./event.ts";

/** The state before the first revision: nothing is served. */
export const NOTHING: FleetState = { revision: 0, weights: {} };

/** Are both parts equal? The order of names does not count. */
export function sameState(a: FleetState | null, b: FleetState | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  return a.revision === b.revision && sameWeights(a.weights, b.weights);
}

function sameWeights(a: Weights, b: Weights): boolean {
  if (a === b) return true;
  const services = Object.keys(a);
  if (services.length !== Object.keys(b).length) return false;
  return services.every((service) => Object.hasOwn(b, service) && sameSplit(a[service] ?? {}, b[service] ?? {}));
}

/** Does every version have the same share? */
export function sameSplit(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  const versions = Object.keys(a);
  if (versions.length !== Object.keys(b).length) return false;
  return versions.every((version) => Object.hasOwn(b, version) && a[version] === b[version]);
}
