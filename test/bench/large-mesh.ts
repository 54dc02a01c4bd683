/** A mesh file with so many services of two versions each, and one gateway for the cluster `edge` with a route to each. */
export function largeMesh(services: number, listen: string): string {
  const names = Array.from({ length: services }, (_, n) => `service-${String(n).padStart(3, "0")}`);
  return `services:
${names.map(service).join("\n")}
gateways:
  - name: edge
    nodes: { cluster: edge }
    listen: ${listen}
    hosts:
      - domains: ["*"]
        routes:
${names.map((name) => `          - { path: /${name}, to: ${name} }`).join("\n")}
`;
}

/** Endpoints that nothing listens at: the mesh is for what it weighs. */
function service(name: string, n: number): string {
  const endpoints = (from: number): string => `["127.0.0.1:${from + n * 2}", "127.0.0.1:${from + n * 2 + 1}"]`;
  return `  - name: ${name}
    owner: "@bench"
    versions:
      v1: { endpoints: ${endpoints(20_000)} }
      v2: { endpoints: ${endpoints(21_000)} }
    traffic: { v1: 100% }`;
}
