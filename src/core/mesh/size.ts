import type { Mesh } from "./mesh.ts";

/** How much there is of what a change must not quietly take away. */
export interface MeshSize {
  /** Versions of services. */
  readonly clusters: number;
  readonly routes: number;
  readonly endpoints: number;
}

/** Counts what is in a mesh. */
export function sizeOf(mesh: Mesh): MeshSize {
  const versions = mesh.services.flatMap((service) => service.versions);
  const endpoints = versions.map(({ source }) => (source.kind === "endpoints" ? source.endpoints.length : 1));
  const routes = mesh.gateways.flatMap((gateway) => gateway.hosts.map((host) => host.routes.length));
  return { clusters: versions.length, routes: sum(routes), endpoints: sum(endpoints) };
}

/** Is there nothing in it that any Envoy could be given? */
export function isEmptyMesh({ gateways, sidecars, resources }: Mesh): boolean {
  return gateways.length + sidecars.length + resources.length === 0;
}

/** What becomes fewer by more than this share is worth a word. */
const SHRINK_PERCENT = 10;

/** A sentence for each thing of which more than a tenth would be gone. */
export function shrinkWarnings(before: MeshSize, after: MeshSize): string[] {
  return (["clusters", "routes", "endpoints"] as const).flatMap((what) => {
    const gone = before[what] - after[what];
    if (gone * 100 <= before[what] * SHRINK_PERCENT) return [];
    return [`warning: ${gone} of ${before[what]} ${what} are taken out`];
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
