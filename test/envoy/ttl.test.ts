import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { EXTENSION_CONFIG, LISTENER, RUNTIME } from "../../src/core/resource/type-url.ts";
import type { ResourceInput } from "../../src/index.ts";
import { freeAddress } from "../../src/lab/addresses.ts";
import { Lifetimes } from "../../src/lab/lifetimes.ts";
import { type Engine, startEngine, viewOf } from "./engine.ts";
import { envoy, eventually, startEnvoy, type TestEnvoy } from "./harness.ts";

const TTL_MS = 1_000;
const KEY = "fault.http.abort.abort_percent";

/** A runtime layer in which every request is to fail, for as long as it is renewed. */
const fault = (percent: number): ResourceInput => ({
  resource: { "@type": RUNTIME, name: "faults", layer: { [KEY]: percent } },
  ttlMs: TTL_MS,
});

let lifetimes = new Lifetimes();
afterEach(async () => {
  await lifetimes.close();
  lifetimes = new Lifetimes();
});

const EXTENSIONS = "type.googleapis.com/envoy.extensions.filters";
const FAULT = `${EXTENSIONS}.http.fault.v3.HTTPFault`;

/** A listener that answers 200, behind a filter that comes from elsewhere and does nothing as long as it is not there. */
function listener(address: string): ResourceInput {
  const [host, port] = address.split(":");
  const discovered = {
    config_source: { ads: {}, resource_api_version: "V3" },
    type_urls: [FAULT],
    default_config: { "@type": FAULT },
  };
  const all = { match: { prefix: "/" }, direct_response: { status: 200 } };
  const manager = {
    "@type": `${EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "edge",
    route_config: { name: "edge", virtual_hosts: [{ name: "all", domains: ["*"], routes: [all] }] },
    http_filters: [
      { name: "fault", config_discovery: discovered },
      { name: "router", typed_config: { "@type": `${EXTENSIONS}.http.router.v3.Router` } },
    ],
  };
  return {
    "@type": LISTENER,
    name: "edge",
    address: { socket_address: { address: host, port_value: Number(port) } },
    filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
  };
}

const failing: ResourceInput = {
  resource: {
    "@type": EXTENSION_CONFIG,
    name: "fault",
    typed_config: { "@type": FAULT, abort: { http_status: 418, percentage: { numerator: 100 } } },
  },
  ttlMs: TTL_MS,
};

async function statusOf(address: string): Promise<number> {
  const { status } = await fetch(`http://${address}/`, { signal: AbortSignal.timeout(2_000) });
  return status;
}

interface Started {
  readonly xds: string;
  readonly engine: Engine;
  readonly proxy: TestEnvoy;
}

/** An Envoy with a runtime layer from the engine. */
async function start(delta: boolean, resources: readonly ResourceInput[], listen: string): Promise<Started> {
  const xds = await freeAddress();
  const engine = await lifetimes.add(startEngine(xds), (made) => made.die());
  engine.give("edge-1", viewOf(...resources));
  const dir = await lifetimes.add(mkdtemp(join(tmpdir(), "belay-test-")), (made) =>
    rm(made, { recursive: true, force: true }),
  );
  const config = { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "1s" };
  const bootstrap = (made: Readonly<Record<string, unknown>>) => ({
    ...made,
    layered_runtime: { layers: [{ name: "rtds", rtds_layer: { name: "faults", rtds_config: config } }] },
  });
  const proxy = await lifetimes.add(
    startEnvoy({ id: "edge-1", listen }, xds, dir, { delta, bootstrap }),
    async (made) => {
      made.target.close();
      await made.stop();
    },
  );
  await proxy.ready();
  return { xds, engine, proxy };
}

/** What Envoy has under the key now; undefined: nothing. */
async function valueOf(proxy: TestEnvoy): Promise<string | undefined> {
  const response = await fetch(`${proxy.url}/runtime`);
  const { entries } = (await response.json()) as { entries: Record<string, { final_value: string }> };
  return entries[KEY]?.final_value;
}

describe.skipIf("missing" in envoy).each([
  ["state of the world", false],
  ["delta", true],
])("P53 a runtime layer with a time to live, %s, on a real Envoy", (_dialect, delta) => {
  test("stays while the server is there, does not flap, and is gone soon after it", async () => {
    const { engine, proxy } = await start(delta, [fault(100)], await freeAddress());
    await eventually(async () => (await valueOf(proxy)) === "100", "the fault is there");
    const seen = new Set<string | undefined>();
    const end = performance.now() + 4 * TTL_MS;
    while (performance.now() < end) {
      seen.add(await valueOf(proxy));
      await pause(10);
    }
    expect([...seen]).toEqual(["100"]);

    const killedAt = performance.now();
    await engine.die();
    await eventually(async () => (await valueOf(proxy)) === undefined, "the fault is gone", 5_000);
    const took = performance.now() - killedAt;
    expect(took).toBeLessThan(TTL_MS + 500);
  });

  test("comes back with the server, changes with its content, and goes with its removal from the view", async () => {
    const { xds, engine, proxy } = await start(delta, [fault(100)], await freeAddress());
    await eventually(async () => (await valueOf(proxy)) === "100", "the fault is there");
    await engine.die();
    await eventually(async () => (await valueOf(proxy)) === undefined, "the fault is gone", 5_000);
    const second = await lifetimes.add(startEngine(xds), (made) => made.die());
    second.give("edge-1", viewOf(fault(100)));
    await eventually(async () => (await valueOf(proxy)) === "100", "the fault is back", 10_000);
    second.give("edge-1", viewOf(fault(50)));
    await eventually(async () => (await valueOf(proxy)) === "50", "another fault is there", 5_000);
    second.give("edge-1", viewOf());
    await eventually(async () => (await valueOf(proxy)) === undefined, "the fault is taken back", 5_000);
  });

  test("a filter with a time to live is what it is without one, and its default soon after the server is gone", async () => {
    const address = await freeAddress();
    const { engine, proxy } = await start(delta, [listener(address), failing], address);
    const seen = new Set<number>();
    const end = performance.now() + 3 * TTL_MS;
    while (performance.now() < end) {
      seen.add(await statusOf(address));
      await pause(10);
    }
    expect([...seen]).toEqual([418]);
    await engine.die();
    await eventually(async () => (await statusOf(address)) === 200, "the default has taken its place", 5_000);
    expect(await proxy.state()).toBe("LIVE");
  });
});
