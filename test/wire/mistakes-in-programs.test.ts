import { afterEach, beforeEach, expect, test } from "vitest";
import { CLUSTER } from "../../src/core/resource/type-url.ts";
import type { XdsServerOptions } from "../../src/index.ts";
import { SnapshotCache, SnapshotError, snapshot, XdsServer } from "../../src/index.ts";
import { AdsClient, nodeBytes } from "./ads-client.ts";

let stops: (() => unknown)[] = [];
let warnings: string[];
beforeEach(() => {
  warnings = [];
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  stops = [];
});

const clusters = (...names: string[]) => snapshot({ resources: names.map((name) => ({ "@type": CLUSTER, name })) });

async function serve(cache: SnapshotCache) {
  const server = new XdsServer({ cache });
  server.on("warning", (message) => void warnings.push(message));
  const { port } = await server.listen("127.0.0.1:0");
  stops.push(() => server.close({ graceMs: 0 }));
  const come = (id: string): AdsClient => {
    const client = new AdsClient(`127.0.0.1:${port}`, "delta");
    stops.push(() => client.close());
    client.send({ node: nodeBytes({ id, cluster: "edge" }), typeUrl: CLUSTER });
    return client;
  };
  return { server, come };
}

/** Takes the next response and acknowledges it. */
async function take(client: AdsClient): Promise<readonly unknown[]> {
  const { nonce, resources } = await client.next();
  client.send({ typeUrl: CLUSTER, responseNonce: nonce });
  return resources.map(({ name }) => name);
}

test("every option that cannot be is named when the server is made", () => {
  const cache = new SnapshotCache();
  const mistakes = { graceMs: -1, holdMs: Number.POSITIVE_INFINITY, streamAgeMs: Number.NaN, stallMs: 0 };
  const more = { cache: undefined, authorize: true, newStreams: { burst: 0, perSecond: "many" }, maxUnsentBytes: 0 };
  expect(() => new XdsServer({ ...mistakes, ...more } as unknown as XdsServerOptions)).toThrow(
    new RangeError(
      [
        "this XdsServer cannot be made: cache must be a SnapshotCache",
        "authorize must be a function",
        "graceMs must be from 0 to 2147483647 milliseconds, not -1",
        "holdMs must be from 0 to 2147483647 milliseconds, not Infinity",
        "streamAgeMs must be from 0 to 2147483647 milliseconds, not NaN",
        "stallMs must be from 1 to 2147483647 milliseconds, not 0",
        "maxUnsentBytes must be a positive number, not 0",
        "newStreams.burst must be a positive number, not 0",
        'newStreams.perSecond must be a positive number, not "many"',
      ].join("; "),
    ),
  );
  const edges = { graceMs: 0, holdMs: 0, streamAgeMs: 0, newStreams: { waiting: 0, burst: Number.POSITIVE_INFINITY } };
  expect(() => new XdsServer({ cache, ...edges })).not.toThrow();
});

test.each([[undefined], ["a"], [{}]])("resources that are no list, %j, are told as such", (resources) => {
  expect(() => snapshot({ resources } as never)).toThrow(SnapshotError);
  expect(() => snapshot({ resources } as never)).toThrow("resources must be a list");
});

test("a server listens once: again, at the same time and after its end are told as such", async () => {
  const { server } = await serve(new SnapshotCache());
  await expect(server.listen("127.0.0.1:0")).rejects.toThrow("this server listens already");
  const other = new XdsServer({ cache: new SnapshotCache() });
  stops.push(() => other.close());
  await expect(other.listen("nowhere")).rejects.toThrow("it is not HOST:PORT");
  const both = await Promise.allSettled([other.listen("127.0.0.1:0"), other.listen("127.0.0.1:0")]);
  expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  await server.close();
  await expect(server.listen("127.0.0.1:0")).rejects.toThrow("this server was closed");
});

test("a listener that throws costs no Envoy its stream, and no other listener the event; it is warned of", async () => {
  const cache = new SnapshotCache();
  const { server, come } = await serve(cache);
  cache.set("", clusters("a"));
  const heard: string[] = [];
  for (const name of ["connect", "ack", "close"] as const) {
    server.on(name, () => {
      throw new Error(`no ${name}`);
    });
    server.on(name, () => void heard.push(name));
  }
  const client = come("n1");
  await take(client);
  expect(await cache.converged("")).toMatchObject({ acked: ["n1"] });
  cache.set("", clusters("b"));
  expect(await take(client)).toEqual(["b"]);
  await cache.converged("");
  await server.close();
  expect((await client.ended).code).toBe(0);
  expect(heard).toEqual(["connect", "ack", "ack", "close"]);
  expect(warnings.map((warning) => warning.split("\n")[0])).toEqual([
    'a listener for "connect" failed: Error: no connect',
    'a listener for "ack" failed: Error: no ack',
    'a listener for "ack" failed: Error: no ack',
    'a listener for "close" failed: Error: no close',
  ]);
});

test("a node that the group function fails on is told nothing and warned of; changes go on for all others, also once it is gone", async () => {
  const cache = new SnapshotCache({
    group: ({ id }) => {
      if (id === "odd") throw new Error("no such team");
      return "edge";
    },
  });
  const { server, come } = await serve(cache);
  cache.set("edge", clusters("a"));
  const odd = come("odd");
  const gone = new Promise<void>((resolve) => server.on("close", () => resolve()));
  const client = come("n1");
  await take(client);
  cache.set("edge", clusters("b"));
  await take(client);
  expect(await cache.converged("edge")).toEqual({ acked: ["n1"], refused: [], pending: [] });
  expect(odd.unread).toEqual([]);
  odd.close();
  await gone;
  cache.set("edge", clusters("c"));
  expect(await take(client)).toEqual(["c"]);
  expect(cache.nodes("edge").map(({ id }) => id)).toEqual(["n1"]);
  expect(warnings).toEqual([
    `the cache's group function failed on node "odd", which is told nothing: Error: no such team`,
  ]);
});

test("what nobody listens for is a warning of the process", async () => {
  const told = new Promise<Error>((resolve) => process.once("warning", resolve));
  const cache = new SnapshotCache({ group: () => JSON.parse("{") });
  const server = new XdsServer({ cache });
  const { port } = await server.listen("127.0.0.1:0");
  stops.push(() => server.close({ graceMs: 0 }));
  const client = new AdsClient(`127.0.0.1:${port}`, "delta");
  stops.push(() => client.close());
  client.send({ node: nodeBytes({ id: "n1", cluster: "edge" }), typeUrl: CLUSTER });
  expect(await told).toMatchObject({ name: "BelayWarning", message: expect.stringContaining('on node "n1"') });
});
