import { formatPath } from "../failure/problem.ts";
import type { NodeSelector } from "../node/node.ts";
import { CLUSTER, ENDPOINTS, LISTENER, ROUTES, shortTypeName } from "../resource/type-url.ts";
import type { Findings } from "./check-findings.ts";
import type { Mesh } from "./mesh.ts";
import { appCluster, inboundListener, outboundListener, versionCluster, XDS_CLUSTER } from "./names.ts";

/** The rules of raw resources: none may take the place of a generated one, or of another on the same nodes. */
export function checkResources(findings: Findings, mesh: Mesh): void {
  for (const gateway of mesh.gateways) {
    claimDoor(findings, gateway.nodes, gateway.name, `gateway ${gateway.name}`);
    for (const { to, mirror } of gateway.hosts.flatMap(({ routes }) => routes)) {
      claimClusters(findings, gateway.nodes, mirror === undefined ? [to] : [to, mirror.to]);
    }
  }
  for (const { service, nodes, inbound, outbound } of mesh.sidecars) {
    const holder = `the sidecar of ${service}`;
    if (inbound !== undefined) claimDoor(findings, nodes, inboundListener(service), holder);
    if (inbound !== undefined) findings.claims.claim(`${CLUSTER} ${appCluster(service)}`, nodes, holder);
    if (outbound === undefined) continue;
    claimDoor(findings, nodes, outboundListener(service), holder);
    claimClusters(findings, nodes, findings.services.get(service)?.dependsOn ?? []);
  }
  for (const [index, { resource, nodes }] of mesh.resources.entries()) checkResource(findings, resource, nodes, index);
}

function claimDoor(findings: Findings, nodes: NodeSelector, name: string, holder: string): void {
  for (const typeUrl of [LISTENER, ROUTES]) findings.claims.claim(`${typeUrl} ${name}`, nodes, holder);
}

function claimClusters(findings: Findings, nodes: NodeSelector, services: readonly string[]): void {
  for (const service of services) {
    for (const { name } of findings.services.get(service)?.versions ?? []) {
      const cluster = versionCluster(service, name);
      for (const typeUrl of [CLUSTER, ENDPOINTS])
        findings.claims.claim(`${typeUrl} ${cluster}`, nodes, `service ${service}`);
    }
  }
}

function checkResource(
  findings: Findings,
  resource: Readonly<Record<string, unknown>>,
  nodes: NodeSelector,
  index: number,
): void {
  const path = ["resources", index];
  const typeUrl = resource["@type"];
  if (typeof typeUrl !== "string" || !/^[\w.-]+\/[\w.]+$/.test(typeUrl)) {
    findings.add(
      [...path, "@type"],
      "bad-type",
      "@type is not a type URL",
      "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    );
    return;
  }
  const key = nameKey(typeUrl, resource);
  const name = resource[key];
  if (typeof name !== "string" || name === "") {
    findings.add(path, "no-name", `this resource has no ${key}, by which Envoy would ask for it`);
    return;
  }
  if (typeUrl === CLUSTER && name === XDS_CLUSTER) {
    findings.add(
      [...path, key],
      "reserved-name",
      `the cluster ${name} is the one by which Envoys reach Belay`,
      "choose another name",
    );
    return;
  }
  const other = findings.claims.claim(`${typeUrl} ${name}`, nodes, formatPath(path));
  if (other === undefined) return;
  const message = `${name} is taken among the ${shortTypeName(typeUrl)} of the same nodes by ${other}`;
  findings.add([...path, key], "duplicate-resource", message, "choose another name");
}

/** Endpoints carry the name of their cluster, everything else its own; both spellings of JSON are read. */
function nameKey(typeUrl: string, resource: Readonly<Record<string, unknown>>): string {
  if (typeUrl !== ENDPOINTS) return "name";
  return Object.hasOwn(resource, "clusterName") ? "clusterName" : "cluster_name";
}
