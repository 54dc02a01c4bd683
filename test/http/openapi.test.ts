import { expect, test } from "vitest";
import { OPERATIONS } from "../../src/http/operations.ts";
import { at, type Json, serving } from "./serving.ts";

test("the document has every operation that is served", async () => {
  const server = await serving();
  const { json } = await server.ask("GET", "/v1/openapi.json");
  expect(json["openapi"]).toBe("3.1.0");
  const described = Object.entries(json["paths"] as Json).flatMap(([path, item]) =>
    Object.keys(item as object).map((method) => `${method} ${path}`),
  );
  const served = OPERATIONS.map(({ method, path }) => `${method} ${path}`);
  expect(described.sort()).toEqual([...served, "get /", "get /metrics", "get /v1/openapi.json"].sort());
});

test("every reference in it leads somewhere, and every parameter of a path is described", async () => {
  const server = await serving();
  const { json, text } = await server.ask("GET", "/v1/openapi.json");
  const schemas = at(json, "components", "schemas") as Json;
  const references = [...text.matchAll(/"\$ref":"([^"]*)"/g)].map(([, reference]) => reference ?? "");
  expect(references.length).toBeGreaterThan(20);
  for (const reference of references)
    expect(Object.keys(schemas)).toContain(reference.replace("#/components/schemas/", ""));
  for (const [path, item] of Object.entries(json["paths"] as Json)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const operation of Object.values(item as object) as Json[]) {
      const described = (operation["parameters"] as unknown as { in: string; name: string }[]).filter(
        (one) => one.in === "path",
      );
      expect(described.map(({ name }) => name)).toEqual(names);
    }
  }
});

test("requests and objects are described down to their fields", async () => {
  const server = await serving();
  const { json } = await server.ask("GET", "/v1/openapi.json");
  const { schemas } = json["components"] as unknown as { schemas: Record<string, Json> };
  expect(Object.keys(schemas["Rollout"]?.["properties"] ?? {})).toEqual(
    expect.arrayContaining([
      "id",
      "kind",
      "state",
      "stage",
      "weights",
      "hosts",
      "next",
      "checks",
      "reason",
      "by",
      "history",
    ]),
  );
  expect(JSON.stringify(schemas["RolloutRequest"])).toContain('"const":"shift"');
  expect(schemas["RollbackRequest"]?.["required"]).toEqual(["reason"]);
});
