import { expect, test } from "vitest";
import type { FleetEvent } from "../../src/control/fleet.ts";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import { nodeOf } from "./fake-control-plane.ts";
import { at, serving } from "./serving.ts";

test("a server that is not ready says why and answers what it can", async () => {
  const server = await serving();
  server.controlPlane.ready = { ready: false, why: "nothing is published yet" };
  server.controlPlane.fleet.push(nodeOf("edge-1", { state: "UNMATCHED", unmatched: "nothing is published yet" }));
  const ready = await server.ask("GET", "/readyz");
  expect([ready.status, ready.json["error"]]).toEqual([
    503,
    { code: "not-ready", message: "nothing is published yet" },
  ]);
  expect((await server.ask("GET", "/healthz")).status).toBe(200);
  const status = await server.ask("GET", "/v1/status");
  expect(status.json).toMatchObject({
    ready: false,
    why: "nothing is published yet",
    seq: 0,
    revision: { live: null },
  });
  const nodes = await server.ask("GET", "/v1/nodes");
  expect(at(nodes.json, "items", 0)).toMatchObject({ id: "edge-1", state: "UNMATCHED" });
  expect((await server.ask("GET", "/")).text).toContain("Belay is not ready: nothing is published yet");
});

test("what the fleet says is counted, by known types only", async () => {
  const listeners: ((event: FleetEvent) => void)[] = [];
  const fleet = {
    listen: (listener: (event: FleetEvent) => void) => (listeners.push(listener), () => void listeners.pop()),
  };
  const server = await serving("127.0.0.1:0", undefined, fleet);
  const node = nodeOf("edge-1").identity;
  const told = { node, group: "edge", version: "1", nonce: "n" };
  for (const listener of listeners) {
    listener({ kind: "connected", node });
    listener({ kind: "acked", typeUrl: CLUSTER, ...told });
    listener({ kind: "refused", typeUrl: "type.googleapis.com/made.Up", error: "no", names: [], ...told });
  }
  const { text } = await server.ask("GET", "/metrics");
  expect(text).toContain("belay_connects_total 1");
  expect(text).toContain('belay_acks_total{type="clusters"} 1');
  expect(text).toContain('belay_nacks_total{type="other"} 1');
  await server.close();
  expect(listeners).toEqual([]);
});

test("metrics have closed labels: no node has a series of its own", async () => {
  const server = await serving();
  server.controlPlane.seed();
  server.controlPlane.fleet.push(nodeOf("edge-1"), nodeOf("edge-2", { state: "REFUSED" }));
  await server.ask("BREW", "/v1/status").catch(() => {});
  await server.ask("GET", "/nothing");
  const { text, headers } = await server.ask("GET", "/metrics");
  expect(headers["content-type"]).toContain("text/plain");
  expect(text).toContain('belay_nodes{state="REFUSED"} 1');
  expect(text).toContain("belay_nodes_connected 2");
  expect(text).toContain("belay_journal_seq 1");
  expect(text).toContain("belay_revision_live 1");
  expect(text).toMatch(/belay_build_info\{version="\d+\.\d+\.\d+",node="[\d.]+"\} 1/);
  expect(text).toContain('belay_http_requests_total{method="GET",code="404"} 1');
  expect(text).not.toContain("edge-1");
});
