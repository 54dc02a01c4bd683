import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import { CLUSTER, SECRET } from "../../src/core/resource/type-url.ts";
import { builtCodec } from "../../src/file/schema-set.ts";
import type { ResourceInput } from "../../src/library/resource-input.ts";
import { snapshot } from "../../src/library/snapshot.ts";
import { SnapshotCache } from "../../src/library/snapshot-cache.ts";
import { settingsWith } from "../control/settings.ts";
import { type Answered, type Json, serving } from "./serving.ts";

const cluster = (timeout: string): ResourceInput => ({ "@type": CLUSTER, name: "a", connect_timeout: timeout });
const secret: ResourceInput = {
  "@type": SECRET,
  name: "s",
  generic_secret: { secret: { inline_string: "not to be seen" } },
};

let cache: SnapshotCache;
let registry: NodeRegistry;
let poll: (path: string, body: Json, headers?: Record<string, string>) => Promise<Answered>;

beforeEach(async () => {
  registry = new NodeRegistry(settingsWith({ tag: () => "poll-" }));
  cache = new SnapshotCache();
  cache.attach(registry);
  cache.set("", snapshot({ resources: [cluster("1s"), secret] }));
  const served = await serving("127.0.0.1:0", undefined, undefined, {
    codec: builtCodec(),
    fetch: (request, node) => registry.fetchOnce(request, node),
  });
  poll = (path, body, headers) => served.ask("POST", path, { node: { id: "n1", cluster: "edge" }, ...body }, headers);
});

afterEach(() => registry.close("ok", "the test is over"));

describe("an Envoy that polls", () => {
  test("gets resources in Envoy's own JSON, then 304 until they change (P68)", async () => {
    const first = await poll("/v3/discovery:clusters", {});
    expect(first.status).toBe(200);
    expect(first.json).toMatchObject({
      type_url: CLUSTER,
      resources: [{ "@type": CLUSTER, name: "a", connect_timeout: "1s" }],
    });
    const version = first.json["version_info"];
    const unchanged = await poll("/v3/discovery:clusters", { version_info: version });
    expect(unchanged).toMatchObject({ status: 304, text: "" });
    expect(registry.node("n1")?.types.get(CLUSTER)).toEqual({ state: "SYNCED", version });
    cache.set("", snapshot({ resources: [cluster("2s")] }));
    const changed = await poll("/v3/discovery:clusters", { version_info: version });
    expect(changed.json).toMatchObject({ resources: [{ connect_timeout: "2s" }] });
    expect(changed.json["version_info"]).not.toBe(version);
  });

  test("is known by what it says of itself, in either spelling", async () => {
    const node = {
      id: "n2",
      cluster: "edge",
      metadata: { env: "test", deep: {} },
      locality: { zone: "z1" },
      userAgentBuildVersion: { version: { majorNumber: 1, minorNumber: 40 } },
    };
    await poll("/v3/discovery:clusters", { node, resourceNames: ["a"], typeUrl: CLUSTER });
    expect(registry.node("n2")?.identity).toEqual({
      id: "n2",
      cluster: "edge",
      labels: { env: "test" },
      zone: "z1",
      envoyVersion: "1.40.0",
    });
  });

  test("whose version is right, but of other names, gets these (P17)", async () => {
    const first = await poll("/v3/discovery:secrets", { resource_names: ["s"] });
    expect(first.json).toMatchObject({
      resources: [{ name: "s", generic_secret: { secret: { inline_string: "not to be seen" } } }],
    });
    const version = first.json["version_info"];
    const more = await poll("/v3/discovery:secrets", { resource_names: ["s", "t"], version_info: version });
    expect(more.status).toBe(200);
    expect((await poll("/v3/discovery:secrets", { resource_names: ["s"], version_info: version })).status).toBe(304);
  });

  test("is not given again what it has refused (P01)", async () => {
    await poll("/v3/discovery:clusters", {});
    const refusal = { error_detail: { code: 13, message: "no" } };
    expect((await poll("/v3/discovery:clusters", refusal)).status).toBe(304);
    expect((await poll("/v3/discovery:clusters", {})).status).toBe(304);
    expect(registry.node("n1")?.types.get(CLUSTER)).toMatchObject({ state: "ERROR", error: "no" });
    cache.set("", snapshot({ resources: [cluster("3s")] }));
    expect((await poll("/v3/discovery:clusters", {})).status).toBe(200);
  });

  test("may call this server by the name that its own cluster has, but a page in a browser may not ask", async () => {
    expect((await poll("/v3/discovery:clusters", {}, { host: "xds" })).status).toBe(200);
    for (const headers of [{ origin: "http://evil.example" }, { "sec-fetch-site": "same-origin" }]) {
      expect((await poll("/v3/discovery:secrets", {}, headers as Record<string, string>)).status).toBe(403);
    }
  });
});

describe("a poll that cannot be answered", () => {
  test.each([
    ["without a node", { node: undefined }],
    ["with a node that is text", { node: "n1" }],
    ["with names that are no list", { resource_names: "a" }],
    ["with names that are no text", { resource_names: [1] }],
    ["for another type than the path's", { type_url: SECRET }],
    ["with a version that is a number", { version_info: 1 }],
    ["with labels that are a list", { node: { id: "n1", metadata: [] } }],
  ])("%s is 400", async (_, body) => {
    expect((await poll("/v3/discovery:clusters", body as Json)).status).toBe(400);
  });

  test("of a control plane that is not ready is 503, with the reason (P65)", async () => {
    registry.refuseStreams("the store cannot be read");
    const answer = await poll("/v3/discovery:clusters", {});
    expect(answer).toMatchObject({ status: 503, json: { error: { message: "the store cannot be read" } } });
  });

  test("is 405 with another method, and 501 where polls are not served", async () => {
    const other = await serving();
    expect((await other.ask("GET", "/v3/discovery:clusters")).status).toBe(405);
    expect((await other.ask("POST", "/v3/discovery:clusters", {})).status).toBe(501);
  });
});
