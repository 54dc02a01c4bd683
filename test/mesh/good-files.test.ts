import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatProblem, locateProblems, meshJsonSchema, readMesh } from "../../src/file/read-mesh.ts";
import { EXAMPLES, meshOf } from "../compile/read-mesh.ts";

describe("a mesh file becomes a complete mesh", () => {
  it("with every default filled in", () => {
    const text = `services: [{ name: a, owner: me, versions: { v1: { endpoints: ["127.0.0.1:9001"] } } }]\nsidecars: [{ service: a, inbound: "127.0.0.1:1", app: "127.0.0.1:2" }]`;
    expect(meshOf(text)).toEqual({
      services: [
        {
          name: "a",
          owner: "me",
          tier: 2,
          timeoutMs: 15_000,
          retries: { attempts: 1, budgetPercent: 20 },
          versions: [
            {
              name: "v1",
              protocol: { kind: "http2" },
              source: { kind: "endpoints", endpoints: [{ address: "127.0.0.1", port: 9001, zone: "", weight: 1 }] },
            },
          ],
          traffic: { v1: 10_000 },
          dependsOn: [],
        },
      ],
      gateways: [],
      sidecars: [
        {
          service: "a",
          nodes: { cluster: ["a"] },
          inbound: { address: "127.0.0.1", port: 1 },
          app: { address: "127.0.0.1", port: 2 },
        },
      ],
      resources: [],
    });
  });

  it("with everything said", () => {
    const mesh = meshOf(readFileSync("test/mesh/everything.yaml", "utf8"));
    expect(mesh).toEqual(JSON.parse(readFileSync("test/mesh/everything.json", "utf8")));
  });

  it.each(EXAMPLES)("%s", (path) => {
    expect(readMesh({ kind: "text", text: readFileSync(path, "utf8"), name: path })).toHaveProperty("mesh");
  });

  it("from JSON, with tabs and all", () => {
    const json = JSON.stringify(
      { services: [{ name: "a", owner: "me", timeout: "1h30m", versions: { v1: { dns: "A.internal:80" } } }] },
      null,
      "\t",
    );
    expect(meshOf(json).services[0]).toMatchObject({
      timeoutMs: 5_400_000,
      versions: [{ source: { kind: "dns", host: "a.internal", port: 80 } }],
    });
  });

  it("from plain values, as the HTTP interface gets them", () => {
    const value = { services: [{ name: "a", owner: "me", versions: { v1: { endpoints: ["127.0.0.1:1"] } } }] };
    expect(readMesh({ kind: "value", value })).toHaveProperty("mesh");
  });

  it("names of versions stay as they are written, and in their order", () => {
    const mesh = meshOf(`services:
  - name: a
    owner: me
    versions: { 1.10: { dns: "a:1" }, 1.1: { dns: "a:2" }, constructor: { dns: "a:3" }, null: { dns: "a:4" } }
    traffic: { 1.10: 60%, constructor: 40% }`);
    expect(mesh.services[0]?.versions.map(({ name }) => name)).toEqual(["1.10", "1.1", "constructor", "null"]);
    expect(mesh.services[0]?.traffic).toEqual({ "1.10": 6_000, "1.1": 0, constructor: 4_000, null: 0 });
  });

  it("anchors save repetition, and mistakes in them are shown where they are written", () => {
    const text = `services:
  - { name: a, owner: me, retries: &often { attempts: 3 }, versions: &one { v1: { endpoints: ["127.0.0.1:1"] } } }
  - { name: b, owner: me, retries: *often, versions: *one }`;
    expect(meshOf(text).services[1]?.retries.attempts).toBe(3);
    const read = readMesh({ kind: "text", text: text.replace("attempts: 3", "attempts: 33"), name: "m.yaml" });
    expect("problems" in read ? read.problems.map(({ path, line, column }) => [path, line, column]) : []).toEqual([
      ["services[0].retries.attempts", 2, 55],
      ["services[1].retries.attempts", 2, 55],
    ]);
  });
});

describe("problems are placed", () => {
  it("by path where there is no file", () => {
    const read = readMesh({
      kind: "value",
      value: { services: [{ name: "a", owner: "me", versions: { v2: { endpoints: ["reviews:80"] } } }] },
    });
    expect("problems" in read ? read.problems.map(formatProblem) : []).toEqual([
      'services[0].versions.v2.endpoints[0]: "reviews:80" is not an IP address and port (write dns: "reviews:80" for a host name)',
    ]);
  });

  it("when they are found later, by compiling", () => {
    const text = "services:\n  - name: a\n    versions: {}\n";
    const found = [{ path: ["services", 0, "versions"], message: "bad", hint: "mend it", code: "invalid" as const }];
    expect(locateProblems(found, text, "m.yaml").map(formatProblem)).toEqual(["m.yaml:3:5: bad (mend it)"]);
    expect(locateProblems(found).map(formatProblem)).toEqual(["services[0].versions: bad (mend it)"]);
    expect(locateProblems(found, "{{", "m.yaml").map(formatProblem)).toEqual(["m.yaml: bad (mend it)"]);
  });
});

describe("the JSON Schema", () => {
  const schema = meshJsonSchema();
  const service = schemaAt(schema, "properties", "services", "items");

  it("completes keys in an editor: every one is named, and no other is allowed", () => {
    expect(Object.keys(schemaAt(schema, "properties"))).toEqual(["services", "gateways", "sidecars", "resources"]);
    expect(service).toMatchObject({ additionalProperties: false, required: ["name", "owner", "versions"] });
    expect(schemaAt(schema, "properties", "resources", "items")).toMatchObject({ required: ["nodes", "@type"] });
  });

  it("describes what it asks for, in the form that people write", () => {
    expect(schemaAt(service, "properties", "timeout")).toMatchObject({
      type: "string",
      description: expect.stringContaining("15s") as string,
    });
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  });
});

function schemaAt(schema: unknown, ...path: readonly string[]): Record<string, unknown> {
  let at = schema as Record<string, unknown>;
  for (const key of path) at = at[key] as Record<string, unknown>;
  return at;
}
