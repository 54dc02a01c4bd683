import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CLUSTER, ENDPOINTS, ROUTES } from "../../src/core/resource/type-url.ts";
import type { NackEvent, XdsEvent } from "../../src/index.ts";
import { SnapshotCache, SnapshotError, snapshot, XdsServer } from "../../src/index.ts";
import type { WireResponse } from "./ads-client.ts";
import { AdsClient, nodeBytes } from "./ads-client.ts";

const cluster = (name: string, more: Record<string, unknown> = {}) => ({ "@type": CLUSTER, name, ...more });
const assignment = (clusterName: string) => ({ "@type": ENDPOINTS, clusterName });
const routesTo = (name: string, to: string) => ({
  "@type": ROUTES,
  name,
  virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: to } }] }],
});

describe("a snapshot", () => {
  test("is of content: equal resources in another order and spelling give equal versions", () => {
    const one = snapshot({ resources: [cluster("a", { connect_timeout: "1s" }), cluster("b")] });
    const two = snapshot({ resources: [cluster("b"), { connectTimeout: "1.0s", name: "a", "@type": CLUSTER }] });
    expect(two.version(CLUSTER)).toBe(one.version(CLUSTER));
    expect(two.names(CLUSTER)).toEqual(["a", "b"]);
  });

  test("takes bytes that are encoded already", () => {
    const { version } = snapshot({
      resources: [{ typeUrl: "type.googleapis.com/x.Y", name: "n", bytes: Buffer.from("z") }],
    })
      .content.types.get("type.googleapis.com/x.Y")
      ?.resources.get("n") ?? { version: "" };
    expect(version).toMatch(/^[\w-]{22}$/);
  });

  test("tells every mistake at once, with its place", () => {
    const bad = [
      cluster("a", { conect_timeout: "1s" }),
      { "@type": CLUSTER },
      cluster("b"),
      cluster("b"),
      { name: "x" },
    ];
    const error = (() => {
      try {
        return snapshot({ resources: bad });
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(SnapshotError);
    const found = (error as SnapshotError).problems.map(({ path, code }) => [path[0], code]);
    expect(found).toEqual([
      [0, "unknown-field"],
      [1, "missing-name"],
      [3, "duplicate-name"],
      [4, "missing-type"],
    ]);
  });

  test("of endpoints alone is legal; names that dangle are told", () => {
    expect(snapshot({ resources: [assignment("a")] }).dangling()).toEqual([]);
    expect(snapshot({ resources: [routesTo("r", "nowhere")] }).dangling()).toEqual([
      { typeUrl: CLUSTER, name: "nowhere" },
    ]);
  });

  test("carries the versions it is given, and content hashes for the rest", () => {
    const given = snapshot({ version: { [CLUSTER]: "v7" }, resources: [cluster("a"), assignment("a")] });
    expect(given.version(CLUSTER)).toBe("v7");
    expect(given.version(ENDPOINTS)).toMatch(/^[\w-]{8}$/);
    expect(snapshot({ version: "all", resources: [assignment("a")] }).version(ENDPOINTS)).toBe("all");
  });
});

describe.each(["sotw", "delta"] as const)("a cache served to a client, %s", (dialect) => {
  let cache: SnapshotCache;
  let server: XdsServer;
  let client: AdsClient;
  let events: [string, XdsEvent | NackEvent][];

  beforeEach(async () => {
    cache = new SnapshotCache({ group: (node) => node.cluster });
    server = new XdsServer({ cache });
    events = [];
    for (const name of ["ack", "connect", "close"] as const) server.on(name, (event) => events.push([name, event]));
    server.on("nack", (event) => events.push(["nack", event]));
    const { port } = await server.listen("127.0.0.1:0");
    client = new AdsClient(`127.0.0.1:${port}`, dialect);
  });
  afterEach(async () => {
    client.close();
    await server.close({ graceMs: 100 });
  });

  const subscribe = (): void => client.send({ node: nodeBytes({ id: "n1", cluster: "edge" }), typeUrl: CLUSTER });
  const names = (response: WireResponse): unknown[] =>
    dialect === "delta" ? response.resources.map(({ name }) => name) : response.resources.map(() => "?");
  const versionOf = (response: WireResponse): string => response.versionInfo || response.systemVersionInfo || "";
  const ack = (response: WireResponse): void =>
    client.send({ typeUrl: CLUSTER, versionInfo: versionOf(response), responseNonce: response.nonce });

  test("what is set is sent, acknowledged, and then converged", async () => {
    cache.set("edge", snapshot({ resources: [cluster("a")] }));
    subscribe();
    const response = await client.next();
    expect(names(response)).toHaveLength(1);
    const waiting = cache.converged("edge", { timeoutMs: 5_000 });
    ack(response);
    expect(await waiting).toEqual({ acked: ["n1"], refused: [], pending: [] });
    const { typeUrl, nonce } = response;
    expect(events).toEqual([
      ["connect", { node: "n1", group: "edge", typeUrl: "", version: "", nonce: "" }],
      ["ack", { node: "n1", group: "edge", typeUrl, version: versionOf(response), nonce }],
    ]);
    expect(cache.nodes("edge")).toMatchObject([
      { id: "n1", connected: true, types: { [CLUSTER]: { state: "SYNCED" } } },
    ]);
  });

  test("content decides: a new version over unchanged content sends nothing, changed content under the same version does", async () => {
    cache.set("edge", snapshot({ version: "v1", resources: [cluster("a")] }));
    subscribe();
    const first = await client.next();
    expect(versionOf(first)).toBe("v1");
    ack(first);
    await cache.converged("edge");
    cache.set("edge", snapshot({ version: "v2", resources: [cluster("a")] }));
    cache.set("edge", snapshot({ version: "v2", resources: [cluster("a", { connect_timeout: "2s" })] }));
    const second = await client.next();
    expect(client.unread).toEqual([]);
    expect(versionOf(second)).toBe("v2");
  });

  test("update changes some, and says the new snapshot; an unknown group begins empty", async () => {
    subscribe();
    const made = cache.update("edge", { set: [cluster("a"), cluster("b")], version: "u1" });
    expect(made.names(CLUSTER)).toEqual(["a", "b"]);
    ack(await client.next());
    await cache.converged("edge");
    const next = cache.update("edge", { remove: [{ typeUrl: CLUSTER, name: "a" }] });
    expect(next.names(CLUSTER)).toEqual(["b"]);
    expect(next.version(CLUSTER)).not.toBe("u1");
    const response = await client.next();
    expect(dialect === "delta" ? response.removedResources : names(response)).toHaveLength(1);
  });

  test("a refusal is told with the client's words, counted once, and not answered", async () => {
    cache.set("edge", snapshot({ resources: [cluster("a")] }));
    subscribe();
    const { nonce, ...response } = await client.next();
    client.send({ typeUrl: CLUSTER, responseNonce: nonce, errorDetail: { code: 13, message: "no" } });
    expect(await cache.converged("edge")).toEqual({ acked: [], refused: ["n1"], pending: [] });
    const nacks = events.filter(([name]) => name === "nack");
    const version = versionOf({ nonce, ...response });
    expect(nacks).toEqual([
      ["nack", { node: "n1", group: "edge", typeUrl: CLUSTER, version, nonce, error: "no", names: ["a"] }],
    ]);
    expect(client.unread).toEqual([]);
  });

  test("a refusal is of what was refused: with the fix on its way, converged waits for the answer to the fix", async () => {
    cache.set("edge", snapshot({ resources: [cluster("a")] }));
    subscribe();
    const refused = await client.next();
    client.send({ typeUrl: CLUSTER, responseNonce: refused.nonce, errorDetail: { code: 13, message: "no" } });
    expect((await cache.converged("edge")).refused).toEqual(["n1"]);
    cache.set("edge", snapshot({ resources: [cluster("a", { connect_timeout: "2s" })] }));
    expect(cache.nodes("edge")[0]?.types[CLUSTER]).toMatchObject({ state: "ERROR", error: "no" });
    const waiting = cache.converged("edge", { timeoutMs: 5_000 });
    ack(await client.next());
    expect(await waiting).toEqual({ acked: ["n1"], refused: [], pending: [] });
    expect(cache.nodes("edge")[0]?.types[CLUSTER]).toMatchObject({ state: "SYNCED" });
  });

  test("a group that is deleted is forgotten: its nodes are told nothing", async () => {
    cache.set("edge", snapshot({ resources: [cluster("a")] }));
    subscribe();
    ack(await client.next());
    await cache.converged("edge");
    cache.delete("edge");
    expect(cache.get("edge")).toBeUndefined();
    expect(cache.groups()).toEqual([]);
    cache.set("edge", snapshot({ resources: [cluster("b")] }));
    const response = await client.next();
    expect(response.removedResources ?? []).toHaveLength(dialect === "delta" ? 1 : 0);
  });

  test("who does not answer in time is pending", async () => {
    cache.set("edge", snapshot({ resources: [cluster("a")] }));
    subscribe();
    await client.next();
    expect(await cache.converged("edge", { timeoutMs: 20 })).toEqual({ acked: [], refused: [], pending: ["n1"] });
  });
});
