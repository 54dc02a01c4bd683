/** What a mesh file of the lab says: one service with two versions, and a gateway for each Envoy. */
export interface LabMesh {
  /** Node id and listening address of each Envoy. */
  readonly gateways: readonly { readonly id: string; readonly listen: string }[];
  /** `address:port` of each version; the first takes all traffic at the start. */
  readonly versions: Readonly<Record<string, string>>;
  /** Raw resources as YAML, under `resources:`. */
  readonly resources?: string;
}

/** All Envoys of the lab are of this cluster. */
export const LAB_CLUSTER = "edge";

/** The lab's mesh as a person would write it. */
export function labMesh({ gateways, versions, resources = "" }: LabMesh): string {
  const [first = "v1"] = Object.keys(versions);
  const lines = Object.entries(versions).map(([name, address]) => `      ${name}: { endpoints: ["${address}"] }`);
  return `# The lab's world, as you would write it.
services:
  - name: reviews
    owner: "@lab"
    tier: 3
    versions:
${lines.join("\n")}
    traffic: { ${first}: 100% }
gateways:
${gateways.map(gateway).join("\n")}
${resources === "" ? "" : `resources:\n${resources}`}`;
}

function gateway({ id, listen }: { readonly id: string; readonly listen: string }): string {
  return `  - name: ${id}
    nodes: { id: ${id} }
    listen: ${listen}
    hosts:
      - domains: ["*"]
        routes:
          - { path: /reviews, to: reviews }`;
}

/**
 * A raw cluster that is well formed and that no check far from the host can find fault with: it trusts a file that the
 * host does not have. Envoy refuses it.
 */
export function clusterTrusting(file: string): string {
  return `  - nodes: { cluster: ${LAB_CLUSTER} }
    "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
    name: billing
    type: STATIC
    connect_timeout: 1s
    load_assignment:
      cluster_name: billing
      endpoints:
        - lb_endpoints:
            - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 9443 } } }
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        common_tls_context:
          validation_context: { trusted_ca: { filename: ${JSON.stringify(file)} } }
`;
}
