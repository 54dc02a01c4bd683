import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { serving } from "../http/serving.ts";
import { belay } from "./terminal.ts";

const NOWHERE = "http://127.0.0.1:1";
const dir = mkdtempSync(join(tmpdir(), "belay-cli-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const GOOD = `services:
  - name: reviews
    owner: "@shop"
    versions:
      v1: { endpoints: ["127.0.0.1:9001"] }
    traffic: { v1: 100% }
gateways:
  - name: edge
    nodes: { cluster: edge }
    listen: 127.0.0.1:10000
    hosts:
      - domains: ["*"]
        routes: [{ path: /, to: reviews }]
`;

test("a valid file is exit 0 and says what is in it", async () => {
  const { exit, stdout } = await belay(NOWHERE, ["validate", "-f", file("good.yaml", GOOD)]);
  expect([exit, stdout]).toEqual([0, expect.stringContaining("is valid: 1 service, 1 gateway.")]);
});

test("problems are one a line, FILE:LINE:COL: message, and a document with -o json", async () => {
  const path = file("bad.yaml", GOOD.replace("to: reviews", "to: revues").replace("owner", "onwer"));
  const { exit, stderr, stdout } = await belay(NOWHERE, ["validate", "-f", path]);
  expect([exit, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(new RegExp(`^${path}:3:5: .*onwer.*$`, "m"));
  expect(
    stderr
      .trimEnd()
      .split("\n")
      .every((line) => line.startsWith(`${path}:`)),
  ).toBe(true);
  const json = await belay(NOWHERE, ["validate", "-f", path, "-o", "json"]);
  expect(json.exit).toBe(2);
  expect(json.json["problems"]).toContainEqual(
    expect.objectContaining({
      file: path,
      line: 3,
      column: 5,
      path: expect.any(String),
      message: expect.any(String),
      code: expect.any(String),
    }),
  );
});

test("an empty file and a file of nothing but dots are problems, not defects", async () => {
  for (const text of ["", "\n", "...", "\u0000", "[", "7"]) {
    const { exit, stderr } = await belay(NOWHERE, ["validate", "-f", file("odd.yaml", text)]);
    expect([text, exit]).toEqual([text, 2]);
    expect(stderr).not.toContain("defect");
  }
});

test("a file over 16 MiB is refused", async () => {
  const path = file("large.yaml", " ".repeat(16 * 1024 * 1024 + 1));
  const { exit, stderr } = await belay(NOWHERE, ["validate", "-f", path]);
  expect([exit, stderr]).toEqual([2, expect.stringContaining("larger than 16 MiB")]);
});

test("render shows what an Envoy would get, as YAML documents or as one JSON document", async () => {
  const path = file("good.yaml", GOOD);
  const { exit, stdout } = await belay(NOWHERE, ["render", "-f", path, "--node", "edge"]);
  expect(exit).toBe(0);
  const documents = parseAllDocuments(stdout).map((one) => one.toJS() as Record<string, unknown>);
  expect(documents.map((one) => one["name"] ?? one["cluster_name"])).toContain("reviews@v1");
  const { json } = await belay(NOWHERE, ["render", "-f", path, "-o", "json"]);
  expect(json["groups"]).toMatchObject([{ group: "edge" }]);
  const other = await belay(NOWHERE, ["render", "-f", path, "--node", "nobody"]);
  expect([other.exit, other.stderr]).toEqual([2, expect.stringContaining('the cluster "nobody"')]);
});

test("schema is a JSON Schema", async () => {
  const { exit, json } = await belay(NOWHERE, ["schema"]);
  expect(exit).toBe(0);
  expect(json).toMatchObject({ $schema: expect.stringContaining("json-schema.org"), type: "object" });
});

test("bootstrap prints one YAML document; the address is --xds, else what the server says, else the usual", async () => {
  const server = await serving();
  server.controlPlane.seed();
  const bootstrap = ["bootstrap", "--node", "edge-1", "--cluster", "edge", "--label", "tier=1"];
  const usual = await belay(NOWHERE, bootstrap);
  expect(usual.exit).toBe(0);
  expect(usual.stderr).toContain("127.0.0.1:18000");
  const document = parse(usual.stdout) as Record<string, unknown>;
  expect(document["node"]).toEqual({ id: "edge-1", cluster: "edge", metadata: { tier: "1" } });
  expect((await belay(server.url, bootstrap)).stderr).toBe("");
  const named = await belay(NOWHERE, [...bootstrap, "--xds", "10.0.0.1:19000", "--admin", "127.0.0.1:9901", "--delta"]);
  expect([named.exit, named.stderr]).toEqual([0, ""]);
  expect(named.stdout).toContain("19000");
  expect(named.stdout).toContain("DELTA_GRPC");
  expect(named.stdout).not.toContain("load_stats_config");
  const tls = await belay(NOWHERE, [...bootstrap, "--tls", "ca=ca.pem,cert=c.pem,key=k.pem,sni=belay.test"]);
  for (const part of ["filename: ca.pem", "filename: c.pem", "filename: k.pem", "sni: belay.test", "exact: belay.test"])
    expect(tls.stdout).toContain(part);
  expect((await belay(NOWHERE, [...bootstrap, "--load-reports"])).stdout).toContain("load_stats_config");
});
