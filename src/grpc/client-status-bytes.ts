import type { NodeStatus, NodeTypeStatus, TypeState } from "../control/fleet.ts";
import type { NodeIdentity } from "../core/node/node.ts";
import { bytesField, numberField, textField } from "./wire.ts";

/** Field numbers of what is written (`proto/envoy/service/status/v3/csds.proto`). */
const CONFIG = 1;
const CLIENT = { node: 1, types: 3 };
const NODE = { id: 1, cluster: 2, metadata: 3, locality: 4, version: 7 };
const ZONE = 2;
const TYPE = { typeUrl: 1, version: 3, status: 6, error: 8 };
const ERROR_DETAILS = 3;

/** Numbers of ConfigStatus. */
const STATES: Readonly<Record<TypeState, number>> = { SYNCED: 1, NOT_SENT: 2, STALE: 3, ERROR: 4 };

/** A ClientStatusResponse: of each node one status per type that it asks for, as in `/v1/nodes`. */
export function statusResponse(nodes: readonly NodeStatus[]): Buffer {
  return Buffer.concat(nodes.map((node) => bytesField(CONFIG, clientConfig(node))));
}

function clientConfig({ identity, types }: NodeStatus): Buffer {
  const statuses = [...types].map(([typeUrl, status]) => bytesField(CLIENT.types, typeConfig(typeUrl, status)));
  return Buffer.concat([bytesField(CLIENT.node, nodeBytes(identity)), ...statuses]);
}

function nodeBytes({ id, cluster, labels, zone, envoyVersion }: NodeIdentity): Buffer {
  const entries = Object.entries(labels).map(([key, value]) => bytesField(1, labelBytes(key, value)));
  return Buffer.concat([
    textField(NODE.id, id),
    textField(NODE.cluster, cluster),
    entries.length === 0 ? NOTHING : bytesField(NODE.metadata, Buffer.concat(entries)),
    zone === "" ? NOTHING : bytesField(NODE.locality, textField(ZONE, zone)),
    textField(NODE.version, envoyVersion),
  ]);
}

const NOTHING = Buffer.alloc(0);

/** An entry of a google.protobuf.Struct whose value is a string, also an empty one. */
function labelBytes(key: string, value: string): Buffer {
  const text = bytesField(3, Buffer.from(value, "utf8"));
  return Buffer.concat([textField(1, key), bytesField(2, text)]);
}

function typeConfig(typeUrl: string, { state, version, error }: NodeTypeStatus): Buffer {
  return Buffer.concat([
    textField(TYPE.typeUrl, typeUrl),
    textField(TYPE.version, version),
    numberField(TYPE.status, STATES[state]),
    error === undefined ? NOTHING : bytesField(TYPE.error, textField(ERROR_DETAILS, error)),
  ]);
}
