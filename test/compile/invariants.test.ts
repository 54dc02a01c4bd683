import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Mesh, Weights } from "../../src/core/mesh/mesh.ts";
import { seedWeights } from "../../src/core/mesh/weights.ts";
import { CLUSTER, ROUTES } from "../../src/core/resource/type-url.ts";
import { dangling, snapshotOf } from "../../src/core/snapshot/snapshot.ts";
import type { Codec } from "../../src/envoy/codec.ts";
import { compile } from "../../src/envoy/compile.ts";
import { readMesh } from "../../src/file/read-mesh.ts";
import { digest, testCodec } from "../envoy-schema/codec-fixture.ts";
import { EXAMPLES, meshFile, meshOf } from "./read-mesh.ts";
import { compiledJson, recorder, wholeSelection } from "./recorder.ts";

const FILES = [
  ...EXAMPLES,
  ...["versions", "matches", "sidecars"].map((name) => `test/compile/golden/${name}.in.yaml`),
];

let codec: Codec;
beforeAll(() => {
  codec = testCodec();
});

/** `type name` → version, of everything that a mesh gives to one node. */
function versionsOf(mesh: Mesh, weights: Weights = seedWeights(mesh)): Record<string, string> {
  const { resources, problems } = compile(mesh, weights, wholeSelection(mesh), codec);
  expect(problems).toEqual([]);
  return Object.fromEntries(resources.map(({ typeUrl, name, version }) => [`${typeUrl} ${name}`, version]));
}

describe("compiling is a function of its arguments", () => {
  it.each(FILES)("%s gives the same bytes again, also where keys stand in another order", (path) => {
    const first = versionsOf(meshFile(path));
    expect(versionsOf(meshFile(path))).toEqual(first);
    const turned = readMesh({ kind: "value", value: turnedRound(parse(readFileSync(path, "utf8"))) });
    if ("problems" in turned) throw new Error(JSON.stringify(turned.problems));
    expect(versionsOf(turned.mesh)).toEqual(first);
  });

  it("a number that is moved moves nothing else: only routes change with weights", () => {
    for (const path of FILES) {
      const mesh = meshFile(path);
      const before = versionsOf(mesh);
      fc.assert(
        fc.property(fc.nat(10_000), fc.nat(10), (weight, at) => {
          const after = versionsOf(mesh, movedWeights(mesh, weight, at));
          expect(Object.keys(after)).toEqual(Object.keys(before));
          const changed = Object.keys(after).filter((key) => after[key] !== before[key]);
          expect(changed.filter((key) => !key.startsWith(ROUTES))).toEqual([]);
        }),
        { numRuns: 15 },
      );
    }
  });

  it("entries of a split keep their order and total, whatever their weights", () => {
    const mesh = meshFile("test/compile/golden/versions.in.yaml");
    for (const weights of [seedWeights(mesh), { reviews: { v3: 10_000, v1: 0 } }]) {
      const text = JSON.stringify(compiledJson(mesh, weights).at(-1));
      expect([...text.matchAll(/"name":"(reviews@v\d)","weight"/g)].map(([, name]) => name)).toEqual([
        "reviews@v2",
        "reviews@v1",
        "reviews@v3",
      ]);
    }
  });
});

describe("what is compiled is whole", () => {
  it.each(FILES)("%s: every resource keeps the rules of Envoy's API, and names nothing that is not there", (path) => {
    const mesh = meshFile(path);
    const { resources, problems } = compile(mesh, seedWeights(mesh), wholeSelection(mesh), codec);
    expect(problems).toEqual([]);
    expect(resources.length).toBeGreaterThan(0);
    expect(dangling(snapshotOf(resources, digest))).toEqual([]);
  });

  it("every fetch of its own has a bound, every cluster speaks a protocol that is said", () => {
    for (const resource of FILES.flatMap((path) => compiledJson(meshFile(path), seedWeights(meshFile(path))))) {
      const text = JSON.stringify(resource);
      const fetches = text.match(/"ads":\{\}/g) ?? [];
      expect(text.match(/"initial_fetch_timeout":"5s"/g) ?? []).toEqual(
        fetches.map(() => '"initial_fetch_timeout":"5s"'),
      );
      if (resource["@type"] === CLUSTER && resource["name"] !== "legacy") {
        expect(text).toMatch(/explicit_http_config|use_downstream_protocol_config/);
      }
    }
  });

  it("a field that the schema at hand lacks is left out", () => {
    const mesh = meshFile("examples/minimal.yaml");
    const old = recorder(["always_eject_one_host"]);
    compile(mesh, seedWeights(mesh), wholeSelection(mesh), old.codec);
    expect(JSON.stringify(old.seen)).not.toContain("always_eject_one_host");
    expect(JSON.stringify(old.seen)).toContain("max_ejection_percent");
  });
});

describe("what is wrong is said where it was written", () => {
  const mesh = (more: string): Mesh =>
    meshOf(`services:
  - { name: a, owner: me, versions: { v1: { endpoints: ["127.0.0.1:1"] } } }
gateways:
  - { name: edge, nodes: { cluster: edge }, listen: "127.0.0.1:1", hosts: [{ domains: "*", routes: [{ path: /, to: a }] }] }
${more}`);

  function said(subject: Mesh, weights: Weights = seedWeights(subject)): unknown[] {
    const { problems } = compile(subject, weights, wholeSelection(subject), codec);
    return problems.map(({ path, message, code }) => [path, code, message]);
  }

  it("in a raw resource", () => {
    const subject = mesh(`resources:
  - { nodes: { cluster: edge }, "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: b, conect_timeout: 1s }`);
    expect(said(subject)).toEqual([
      [["resources", 0, "conect_timeout"], "unknown-field", 'Cluster has no field "conect_timeout" in Envoy 1.40.0'],
    ]);
  });

  it("two of a name on a node, which only its group shows", () => {
    const subject = mesh(`resources:
  - { nodes: { labels: { env: prod } }, "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: a@v1 }`);
    expect(said(subject)).toEqual([
      [["resources", 0], "duplicate-resource", "the same nodes get two resources a@v1 among their clusters"],
    ]);
  });

  it("two listeners on an address of a node, which only its group shows", () => {
    const subject = mesh(
      `  - { name: b, nodes: { labels: { env: prod } }, listen: "127.0.0.1:1", hosts: [{ domains: "*", routes: [{ path: /, to: a }] }] }`,
    );
    expect(said(subject)).toEqual([
      [
        ["gateways", 1, "listen"],
        "duplicate-listen",
        "b and edge listen on the same address and port of the same nodes",
      ],
    ]);
  });

  it("weights that are not whole", () => {
    expect(said(mesh(""), { a: { v1: 9_999 } })).toEqual([
      [["services", 0, "traffic"], "weights-sum", "the weights of a make 9999 basis points, not 10000"],
    ]);
    expect(said(mesh(""), {})).toHaveLength(1);
  });

  it("in a generated resource, with the part of the mesh that it was made from", () => {
    const sound = mesh("");
    const [gateway] = sound.gateways;
    if (gateway === undefined) throw new Error("no gateway");
    const route = { methods: [], headers: [], query: [], to: "a" };
    const hosts = [{ domains: ["*"], routes: [{ ...route, path: { kind: "prefix", value: "/a/" } as const }] }];
    const [first] = said({ ...sound, gateways: [{ ...gateway, hosts }] });
    expect(first).toEqual([
      ["gateways", 0, "hosts", 0, "routes", 0, "path"],
      "broken-rule",
      expect.stringContaining("in the generated routes edge, virtual_hosts[0].routes[0].match.path_separated_prefix: "),
    ]);
  });

  it("a sidecar of a service that is not there", () => {
    const sound = mesh("");
    const sidecars = [{ service: "x", nodes: "all" as const }];
    expect(said({ ...sound, sidecars })).toEqual([
      [["sidecars", 0, "service"], "unknown-service", "there is no service x"],
    ]);
  });
});

/** The weights after `weight` went to one version of each service. */
function movedWeights(mesh: Mesh, weight: number, at: number): Weights {
  return Object.fromEntries(
    mesh.services.map(({ name, versions }) => {
      const chosen = at % versions.length;
      const other = (chosen + 1) % versions.length;
      const split = versions.map((version, index) => [version.name, index === other ? 10_000 - weight : 0]);
      split[chosen] = [versions[chosen]?.name ?? "", versions.length === 1 ? 10_000 : weight];
      return [name, Object.fromEntries(split) as Record<string, number>];
    }),
  );
}

/** Every mapping with its keys in the opposite order; that of versions is their order in the split, and stays. */
function turnedRound(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => turnedRound(item));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, child]) => [name, turnedRound(child, name)]);
  return Object.fromEntries(key === "versions" ? entries : entries.reverse());
}
