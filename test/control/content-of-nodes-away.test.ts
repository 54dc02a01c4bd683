import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import type { View } from "../../src/control/fleet.ts";
import type { LostLimits } from "../../src/control/lost-nodes.ts";
import { NodeRegistry } from "../../src/control/node-registry.ts";
import type { NodeIdentity } from "../../src/core/node/node.ts";
import type { Resource } from "../../src/core/resource/resource.ts";
import { CLUSTER, ROUTES } from "../../src/core/resource/type-url.ts";
import { snapshotOf } from "../../src/core/snapshot/snapshot.ts";
import type { Client } from "../../src/core/xds/client.ts";
import { knownOf } from "../../src/core/xds/client.ts";
import { contentOf } from "../../src/core/xds/content.ts";
import type { NodeMemory } from "../../src/core/xds/memory.ts";
import type { Response } from "../../src/core/xds/message.ts";
import type { NackPolicy } from "../../src/core/xds/nack-policy.ts";
import { QUIET } from "./quiet-stream.ts";
import { settingsWith } from "./settings.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const CLUSTER_BYTES = 100;

function resource(typeUrl: string, name: string, version: string): Resource {
  return { typeUrl, name, version, bytes: new Uint8Array(CLUSTER_BYTES), refs: [] };
}

function viewOf(...resources: Resource[]): View {
  return { snapshot: snapshotOf(resources, String), revision: 7, group: "edge" };
}

function identityOf(id: string): NodeIdentity {
  return { id, cluster: "edge", labels: {}, zone: "", envoyVersion: "" };
}

/** A server whose nodes ask for clusters and a route table, acknowledge them, and go. */
function world(onNack: NackPolicy = "park", limits: Partial<LostLimits> = {}) {
  const work: (() => void)[] = [];
  const times = { graceMs: 1_000, holdMs: 5_000, onNack: () => onNack };
  const registry = new NodeRegistry(settingsWith({ times, defer: (job) => void work.push(job) }), limits);
  const settle = (): void => {
    while (work.length > 0) work.shift()?.();
  };
  let wanted: View | undefined;
  registry.listen(({ kind, node }) => {
    if (kind === "connected") registry.assign(node.id, wanted);
  });
  const assign = (view: View, ...ids: string[]): void => {
    wanted = view;
    for (const id of ids) registry.assign(id, view);
    settle();
  };
  const come = (id: string, versions: Readonly<Record<string, string>> = {}) => {
    const sent: Response[] = [];
    const session = registry.open("sotw", { send: (response) => sent.push(response), end() {} });
    const say = (typeUrl: string, nonce: string, versionInfo: string, refusal = ""): void => {
      const names = typeUrl === CLUSTER ? ALL : NAMES;
      const error = refusal === "" ? {} : { error: { code: 13, message: refusal } };
      session.onSotw({ typeUrl, names, nonce, versionInfo, ...error }, identityOf(id));
    };
    for (const typeUrl of [CLUSTER, ROUTES]) say(typeUrl, "", versions[typeUrl] ?? "");
    settle();
    /** The first is refused, if any is to be. */
    const answerAll = (refusal = ""): readonly Response[] => {
      const answered: Response[] = [];
      for (let next = sent.shift(); next !== undefined; next = sent.shift()) {
        say(next.typeUrl, next.nonce, next.version, answered.length === 0 ? refusal : "");
        answered.push(next);
        settle();
      }
      return answered;
    };
    return { answerAll, go: () => session.onClosed() };
  };
  const visit = (id: string): void => {
    const node = come(id);
    node.answerAll();
    node.go();
  };
  /** What a new stream of the node begins with. */
  const memoryOf = (id: string): NodeMemory => registry.join(identityOf(id), QUIET).memory;
  return { registry, assign, come, visit, memoryOf };
}

// As the edge gives them: equal lists are one.
const ALL: readonly string[] = [];
const NAMES: readonly string[] = ["r"];

function clientOf(memory: NodeMemory, typeUrl: string): Client {
  const client = memory.types.get(typeUrl)?.client;
  if (client === undefined) throw new Error(`nothing is remembered of ${typeUrl}`);
  return client;
}

function isAlive(refs: readonly WeakRef<object>[]): boolean[] {
  collect();
  return refs.map((ref) => ref.deref() !== undefined);
}

/** A view that nobody holds but those who were given it. */
function passing(assign: (view: View, ...ids: string[]) => void, version: string): WeakRef<Resource>[] {
  const resources = [resource(CLUSTER, "a", version), resource(ROUTES, "r", version)];
  assign(viewOf(...resources));
  return resources.map((one) => new WeakRef(one));
}

it("of what a node had that is away only the clusters stay with their content, of the rest which versions they were", async () => {
  const { registry, assign, visit, memoryOf } = world();
  const [cluster, routes] = passing(assign, "1") as [WeakRef<Resource>, WeakRef<Resource>];
  visit("n");
  assign(viewOf(resource(CLUSTER, "a", "2")), "n");
  await new Promise((resolve) => setImmediate(resolve));
  expect(isAlive([cluster, routes])).toEqual([true, false]);
  const acked = registry.node("n")?.acked;
  expect([acked?.revision, acked?.snapshot.types.get(ROUTES)?.resources.get("r")?.version]).toEqual([7, "1"]);
  const memory = memoryOf("n");
  expect(knownOf(clientOf(memory, ROUTES), "r")?.version).toBe("1");
});

it("where a policy may set back what was acknowledged, all of it stays", async () => {
  for (const policy of ["rollback", "quarantine"] as const) {
    const { assign, visit } = world(policy);
    const parts = passing(assign, "1");
    visit("n");
    assign(viewOf(resource(CLUSTER, "a", "2")), "n");
    await new Promise((resolve) => setImmediate(resolve));
    expect(isAlive(parts)).toEqual([true, true]);
  }
});

it("what was changed while a node was away, and refused when it came back, is set back", () => {
  const { assign, come } = world("quarantine");
  const before = [resource(CLUSTER, "a", "1"), resource(CLUSTER, "b", "1"), resource(ROUTES, "r", "1")];
  assign(viewOf(...before));
  const first = come("n");
  const versions = Object.fromEntries(first.answerAll().map(({ typeUrl, version }) => [typeUrl, version]));
  first.go();
  assign(viewOf(resource(CLUSTER, "a", "bad"), resource(CLUSTER, "b", "2"), resource(ROUTES, "r", "1")), "n");
  const again = come("n", versions);
  const said = again.answerAll("Error adding/updating cluster(s) a: no");
  expect(said.map(({ resources }) => resources.map(({ name, version }) => `${name}=${version}`))).toEqual([
    ["a=bad", "b=2"],
    ["a=1", "b=2"],
  ]);
});

it("content is bounded in bytes: of nodes that went first only names and versions are known then", async () => {
  const { assign, visit, memoryOf, registry } = world("park", { contentBytes: 2 * CLUSTER_BYTES });
  const parts = ["1", "2", "3"].map((version) => {
    const [cluster] = passing(assign, version) as [WeakRef<Resource>];
    visit(`n${version}`);
    return cluster;
  });
  assign(viewOf(resource(CLUSTER, "a", "4")), "n1", "n2", "n3");
  await new Promise((resolve) => setImmediate(resolve));
  expect(isAlive(parts)).toEqual([false, false, true]);
  expect(registry.nodes()).toHaveLength(3);
  const known = ["1", "2", "3"].map((version) => knownOf(clientOf(memoryOf(`n${version}`), CLUSTER), "a")?.version);
  expect(known).toEqual(["1", "2", "3"]);
});

it("content that many nodes had counts once, and they share what is remembered of them when they come back", () => {
  const { assign, visit, memoryOf } = world("park", { contentBytes: 3 * CLUSTER_BYTES });
  const clusters = ["a", "b"].map((name) => resource(CLUSTER, name, "1"));
  assign(viewOf(...clusters, resource(ROUTES, "r", "1")));
  const ids = Array.from({ length: 50 }, (_, n) => `n${n}`);
  for (const id of ids) visit(id);
  const memories = new Set(ids.map((id) => memoryOf(id)));
  expect(memories.size).toBe(1);
  const [memory] = [...memories];
  if (memory === undefined) throw new Error("nothing is remembered");
  expect([...contentOf(clientOf(memory, CLUSTER).base)]).toEqual(clusters);
  expect([...contentOf(clientOf(memory, ROUTES).base)]).toEqual([]);
});
