import { expect, test } from "vitest";
import type { NodeRegistry } from "../../src/control/node-registry.ts";
import { ENDPOINTS } from "../../src/core/resource/type-url.ts";
import type { Routes } from "../../src/grpc/call.ts";
import { rehearse } from "../../src/grpc/rehearsal.ts";
import { xdsRoutes } from "../../src/grpc/xds-server.ts";

/** The methods of a server as it is, with what it warns of. */
function rehearsing(): {
  routesOf: (registry: NodeRegistry) => Routes;
  warnings: string[];
  registries: NodeRegistry[];
} {
  const warnings: string[] = [];
  const registries: NodeRegistry[] = [];
  const routesOf = (registry: NodeRegistry): Routes => {
    registries.push(registry);
    return xdsRoutes({
      open: (dialect, sink, typeUrl) => registry.open(dialect, sink, typeUrl),
      identifier: () => "a rehearsal",
      onWarning: (text) => void warnings.push(text),
      counters: registry.counters,
    });
  };
  return { routesOf, warnings, registries };
}

test("a rehearsal comes to its end: streams of both dialects take all that they are sent, and are gone", async () => {
  const { routesOf, warnings, registries } = rehearsing();
  expect(await rehearse(routesOf)).toBe(true);
  expect(warnings).toEqual([]);
  const [registry] = registries as [NodeRegistry];
  const { streams, types } = registry.stats();
  expect(streams).toMatchObject({ sotw: 0, delta: 0 });
  expect(registry.streamCount).toBe(0);
  expect(types[ENDPOINTS]).toMatchObject({ acks: 1_600, nacks: 0 });
});

test("where there is no time for it, it is broken off, and nothing of it stays open", async () => {
  const { routesOf, registries } = rehearsing();
  expect(await rehearse(routesOf, 0)).toBe(false);
  expect(registries.map((registry) => registry.streamCount)).toEqual([0]);
});

test("a defect of the server ends it, and nothing else", async () => {
  const defect = (): never => {
    throw new Error("a defect");
  };
  const handler = { onMessage: defect, onHalfClosed() {}, onClosed() {} };
  const ads = "/envoy.service.discovery.v3.AggregatedDiscoveryService";
  const routes = new Map(["Stream", "Delta"].map((kind) => [`${ads}/${kind}AggregatedResources`, () => handler]));
  expect(await rehearse(() => routes, 1)).toBe(false);
});
