import { expect, test } from "vitest";
import type { NodeStatus, RefusedResource } from "../../src/control/fleet.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { Node } from "../../src/http/contract.ts";
import { nodeObject } from "../../src/http/object/node.ts";

test("a node shows what it refused, what was done about it, and what it is given instead", () => {
  const refused: RefusedResource[] = [
    { name: "a", version: "2", is: "quarantined", instead: "1" },
    { name: "b", version: "", is: "parked" },
  ];
  const status: NodeStatus = {
    identity: { id: "edge-1", cluster: "edge", labels: {}, zone: "", envoyVersion: "1.40.0" },
    connected: true,
    since: 0,
    state: "REFUSED",
    types: new Map([[CLUSTER, { state: "ERROR", version: "v~1", error: "no", refused }]]),
  };
  expect(Node.parse(nodeObject(status)).types[CLUSTER]).toEqual({
    state: "ERROR",
    version: "v~1",
    error: "no",
    refused,
  });
});
