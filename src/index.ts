// The library's public names, and nothing else.

export type { Access, Authorize, Peer, PeerCertificate, RpcShape } from "./control/access.ts";
export type { CertificateNames } from "./control/certificate-names-node.ts";
export { certificateNamesNode } from "./control/certificate-names-node.ts";
export type { NodeTypeStatus, RefusedResource } from "./control/fleet.ts";
export type { LoadQuery } from "./control/load-reports.ts";
export type { TlsMaterial } from "./control/tls.ts";
export type { StreamEndReason } from "./control/xds-counters.ts";
export type { XdsStats, XdsTypeStats } from "./control/xds-stats.ts";
export type { ClusterLoad } from "./core/load/report.ts";
export type { OnNack } from "./library/on-nack.ts";
export type { EncodedResource, ExpiringResource, ResourceInput } from "./library/resource-input.ts";
export type { XdsServerOptions } from "./library/server-options.ts";
export type { ResourceName, Versions } from "./library/snapshot.ts";
export { Snapshot, SnapshotError, snapshot } from "./library/snapshot.ts";
export type { Convergence, NodeView } from "./library/snapshot-cache.ts";
export { SnapshotCache } from "./library/snapshot-cache.ts";
export type { NackEvent, XdsEvent } from "./library/xds-server.ts";
export { XdsServer } from "./library/xds-server.ts";
