import { formatPath, type Problem } from "../failure/problem.ts";
import { type Findings, findingsOf, unknownService } from "./check-findings.ts";
import { checkGateway } from "./check-gateway.ts";
import { checkResources } from "./check-resources.ts";
import type { HostPort, Mesh, Service, ServiceVersion, Sidecar } from "./mesh.ts";
import { WHOLE } from "./mesh.ts";
import { formatWeight } from "./weights.ts";

/**
 * The rules between the parts of a mesh: that what is named exists, that nothing is there twice, that every split is whole,
 * that nothing is given which can never take effect. Paths are those of the mesh file.
 */
export function checkMesh(mesh: Mesh): Problem[] {
  const findings = findingsOf(mesh);
  if (mesh.services.length === 0 && mesh.resources.length === 0) {
    findings.add([], "empty-mesh", "the mesh has neither services nor resources", "add a service");
  }
  for (const [index, service] of mesh.services.entries()) checkService(findings, service, index);
  for (const [index, gateway] of mesh.gateways.entries()) checkGateway(findings, gateway, index);
  for (const [index, sidecar] of mesh.sidecars.entries()) checkSidecar(findings, sidecar, index);
  checkResources(findings, mesh);
  return findings.problems;
}

function checkService(findings: Findings, service: Service, index: number): void {
  const path = ["services", index] as const;
  const first = findings.firstOf(service.name);
  if (first !== undefined && first !== index) {
    const same = findings.mesh.services[first]?.name === service.name;
    const message = same
      ? `a second service ${service.name}`
      : `service ${service.name} differs from another only in case`;
    findings.add([...path, "name"], "duplicate-name", message, `the first is ${formatPath(["services", first])}`);
  }
  if (service.versions.length === 0) {
    findings.add([...path, "versions"], "no-versions", `${service.name} has no versions`, "give it at least one");
  }
  const names = new Set<string>();
  for (const version of service.versions) {
    const at = [...path, "versions", version.name];
    if (names.has(version.name))
      findings.add(at, "duplicate-name", `a second version ${version.name} of ${service.name}`);
    names.add(version.name);
    checkEndpoints(findings, version, at);
  }
  checkTraffic(findings, service, index, names);
  checkDependencies(findings, service, index);
}

function checkEndpoints(findings: Findings, version: ServiceVersion, path: readonly (string | number)[]): void {
  if (version.source.kind !== "endpoints") return;
  const seen = new Set<string>();
  for (const [index, { address, port }] of version.source.endpoints.entries()) {
    const key = addressText({ address, port });
    if (seen.has(key)) {
      findings.add(
        [...path, "endpoints", index],
        "duplicate-endpoint",
        `${key} is given twice in ${version.name}`,
        "to send it more, write weight: 2",
      );
    }
    seen.add(key);
  }
}

function checkTraffic(findings: Findings, service: Service, index: number, versions: ReadonlySet<string>): void {
  const path = ["services", index, "traffic"];
  for (const version of Object.keys(service.traffic)) {
    if (versions.has(version)) continue;
    findings.add([...path, version], "unknown-version", `${service.name} has no version ${version}`, known(versions));
  }
  const total = Object.values(service.traffic).reduce((sum, weight) => sum + weight, 0);
  if (total === WHOLE || versions.size === 0) return;
  findings.add(path, "traffic-sum", `the traffic of ${service.name} makes ${formatWeight(total)}, not 100%`);
}

function checkDependencies(findings: Findings, service: Service, index: number): void {
  const seen = new Set<string>();
  for (const [at, name] of service.dependsOn.entries()) {
    const path = ["services", index, "dependsOn", at];
    if (!findings.services.has(name)) unknownService(findings, path, name);
    else if (name === service.name) findings.add(path, "depends-on-itself", `${name} depends on itself`);
    else if (seen.has(name)) findings.add(path, "duplicate-name", `${name} is given twice`);
    seen.add(name);
  }
}

function checkSidecar(findings: Findings, sidecar: Sidecar, index: number): void {
  const path = ["sidecars", index] as const;
  const service = findings.services.get(sidecar.service);
  if (service === undefined) unknownService(findings, [...path, "service"], sidecar.service);
  const other = findings.claims.claim(`sidecar ${sidecar.service}`, sidecar.nodes, formatPath(path));
  if (other !== undefined) {
    findings.add(
      [...path, "service"],
      "duplicate-name",
      `a second sidecar of ${sidecar.service} on the same nodes`,
      `the first is ${other}`,
    );
  }
  const { inbound, app, outbound } = sidecar;
  if (inbound === undefined && outbound === undefined) {
    findings.add(
      path,
      "idle-sidecar",
      `the sidecar of ${sidecar.service} does nothing`,
      "give inbound with app, or outbound",
    );
  }
  if (inbound !== undefined && app === undefined) {
    findings.add(
      [...path, "inbound"],
      "no-app",
      "inbound needs the address of the application",
      'for example app: "127.0.0.1:8080"',
    );
  }
  if (inbound === undefined && app !== undefined) {
    findings.add([...path, "app"], "no-inbound", "app is only used with inbound", "give inbound, or leave app out");
  }
  if (outbound !== undefined && service !== undefined && service.dependsOn.length === 0) {
    findings.add(
      [...path, "outbound"],
      "no-dependencies",
      `${service.name} depends on nothing, so outbound leads nowhere`,
      "give the service dependsOn",
    );
  }
  checkSidecarAddresses(findings, sidecar, path);
}

function checkSidecarAddresses(findings: Findings, sidecar: Sidecar, path: readonly ["sidecars", number]): void {
  const { app } = sidecar;
  for (const side of ["inbound", "outbound"] as const) {
    const listen = sidecar[side];
    if (listen === undefined) continue;
    findings.listen(listen, sidecar.nodes, [...path, side]);
    if (app !== undefined && addressText(app) === addressText(listen)) {
      findings.add([...path, side], "loop", `${side} and app are the same address, which would call itself`);
    }
  }
}

function addressText({ address, port }: HostPort): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function known(names: Iterable<string>): string {
  return `it has ${[...names].slice(0, 10).join(", ")}`;
}
