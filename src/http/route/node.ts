import type { NodeStatus } from "../../control/fleet.ts";
import { json, Refusal } from "../answer.ts";
import type { Backend } from "../backend.ts";
import { NodesQuery } from "../body.ts";
import { ErrorAnswer, Node, NodeConfig, pageOf } from "../contract.ts";
import { nodeConfigObject, nodeObject, wholeNodeObject } from "../object/node.ts";
import { operation } from "../operation.ts";
import { pageOfList } from "../page-of.ts";
import { tagged } from "../versioned.ts";

export const NodePage = pageOf(Node);

/** The newest first: in the order in which they were first seen, which reconnecting does not change. */
export const listNodes = operation({
  method: "get",
  path: "/v1/nodes",
  summary: "Every Envoy that this process has seen; those that went away stay.",
  query: NodesQuery,
  answers: { 200: { means: "a page", schema: NodePage }, 422: { means: "a bad query", schema: ErrorAnswer } },
  handle({ backend, query }) {
    const newestFirst = [...backend.controlPlane.nodes()].reverse();
    const keep = (node: NodeStatus): boolean => matches(node, query);
    const page = pageOfList(newestFirst, ({ identity }) => identity.id, { ...query, keep });
    return json(200, { ...page, items: page.items.map(nodeObject) });
  },
});

interface Filter {
  readonly state?: string | undefined;
  readonly connected?: string | undefined;
  readonly revision?: number | undefined;
}

function matches(node: NodeStatus, { state, connected, revision }: Filter): boolean {
  if (state !== undefined && node.state !== state) return false;
  if (connected !== undefined && String(node.connected) !== connected) return false;
  return revision === undefined || node.acked?.revision === revision;
}

export const getNode = operation({
  method: "get",
  path: "/v1/nodes/{id}",
  summary: "One Envoy: what it should have, what it has acknowledged, what it refused.",
  answers: { 200: { means: "the node", schema: Node }, 404: { means: "never seen", schema: ErrorAnswer } },
  handle: ({ backend, params, request }) => tagged(200, wholeNodeObject(nodeOf(backend, params["id"] ?? "")), request),
});

export const getNodeConfig = operation({
  method: "get",
  path: "/v1/nodes/{id}/config",
  summary: "What one Envoy should have, decoded and without secrets, beside the versions it has acknowledged.",
  answers: {
    200: { means: "its configuration", schema: NodeConfig },
    404: { means: "never seen", schema: ErrorAnswer },
  },
  handle: ({ backend, params, request }) =>
    tagged(200, nodeConfigObject(nodeOf(backend, params["id"] ?? ""), backend.codec), request),
});

function nodeOf({ controlPlane }: Backend, id: string): NodeStatus {
  const node = controlPlane.node(id);
  if (node !== undefined) return node;
  throw new Refusal(404, "not-found", `no node "${id.slice(0, 100)}" has connected since this process started`);
}
