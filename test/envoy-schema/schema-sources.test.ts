import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { npmProtos } from "../../scripts/npm-protos.mjs";
import { CLUSTER, SECRET } from "../../src/core/resource/type-url.ts";
import type { Codec } from "../../src/envoy/codec.ts";
import { createCodec } from "../../src/envoy/json-codec.ts";
import { openRegistry } from "../../src/envoy/registry.ts";
import { sensitiveFields } from "../../src/envoy/sensitive.ts";
import { loadCodec } from "../../src/file/schema-set.ts";
import { digest, envoyBinary, testCodec, testSet } from "./codec-fixture.ts";

const cluster = {
  "@type": CLUSTER,
  name: "a",
  type: "EDS",
  connect_timeout: "1s",
  eds_cluster_config: { eds_config: { ads: {}, resource_api_version: "V3" } },
  metadata: { filter_metadata: { belay: { service: "a" } } },
  typed_extension_protocol_options: {
    x: {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: { max_concurrent_streams: 100 } },
    },
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-schema-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe("Envoy's API", () => {
  const binary = envoyBinary();

  test.skipIf(binary === undefined)("comes from the Envoy that is named", async () => {
    const codec = await loadCodec({ envoy: binary ?? "" });
    expect(codec.envoyVersion).toMatch(/^\d+\.\d+\.\d+/);
    expect(codec.encode(cluster)).toEqual(testCodec().encode(cluster));
  });

  test("comes from a descriptor set, which is named in its messages", async () => {
    const file = join(folder, "fleet.binpb");
    await writeFile(file, testSet().set);
    const codec = await loadCodec({ descriptorSet: file });
    expect(codec.encode({ ...cluster, nope: 1 })).toMatchObject({
      problems: [{ message: expect.stringContaining("descriptor set fleet.binpb") }],
    });
  });

  test.skipIf(!existsSync(new URL("../../dist/envoy-api.binpb", import.meta.url)))(
    "comes from the build without either",
    async () => {
      expect((await loadCodec()).encode(cluster)).toEqual(testCodec().encode(cluster));
    },
  );

  test("that cannot be read is an error with what to do", async () => {
    const file = join(folder, "broken.binpb");
    await writeFile(file, "no descriptor set");
    await expect(loadCodec({ descriptorSet: file })).rejects.toMatchObject({
      code: "invalid",
      message: /descriptor set/,
    });
    await expect(loadCodec({ envoy: file })).rejects.toMatchObject({ code: "invalid", message: /no Envoy binary/ });
    await expect(loadCodec({ envoy: join(folder, "none") })).rejects.toMatchObject({
      code: "invalid",
      message: /cannot be read \(ENOENT\)/,
    });
    await expect(loadCodec({ descriptorSet: folder })).rejects.toMatchObject({ code: "invalid", message: /EISDIR/ });
    await writeFile(file, "");
    await expect(loadCodec({ descriptorSet: file })).rejects.toMatchObject({ message: /lacks Envoy's API/ });
  });
});

describe("the API of the npm text, where no Envoy can be had", () => {
  const { set, left, version } = npmProtos();
  const registry = openRegistry(set);
  const codec: Codec = createCodec({ set, envoyVersion: `npm ${version}`, digest });

  test("has all files but those whose imports are not in the package", () => {
    expect(left).toEqual([
      "envoy/config/trace/v3/opencensus.proto",
      "envoy/extensions/access_loggers/open_telemetry/v3/logs_service.proto",
      "envoy/service/metrics/v3/metrics_service.proto",
      "envoy/service/trace/v3/trace_service.proto",
    ]);
    const messages = [...registry].filter((type) => type.kind === "message" && type.typeName.startsWith("envoy."));
    expect(messages.length).toBeGreaterThan(1_040);
    expect(registry.getMessage("xds.type.v3.TypedStruct")).toBeDefined();
    expect(registry.getService("envoy.service.discovery.v3.AggregatedDiscoveryService")?.methods[0]?.methodKind).toBe(
      "bidi_streaming",
    );
  });

  test("gives the same bytes as an Envoy's own, where both know the fields", () => {
    const [own, other] = [codec.encode(cluster), testCodec().encode(cluster)];
    expect(own).toEqual(other);
    expect(own).toHaveProperty("resource.version");
  });

  test("has the rules and the marks", () => {
    expect(codec.encode({ ...cluster, connect_timeout: "0s" })).toMatchObject({
      problems: [{ path: ["connect_timeout"], message: "must be greater than 0s" }],
    });
    expect(
      codec.encode({ ...cluster, lb_policy: "LOAD_BALANCING_POLICY_CONFIG", eds_cluster_config: { eds_config: {} } }),
    ).toMatchObject({
      problems: [{ path: ["eds_cluster_config", "eds_config"], code: "broken-rule" }],
    });
    expect([...sensitiveFields(registry)]).toHaveLength(17);
    const secret = codec.encode({
      "@type": SECRET,
      name: "s",
      tls_certificate: { private_key: { inline_string: "k" } },
    });
    const bytes = "resource" in secret ? secret.resource.bytes : new Uint8Array();
    expect(codec.decodeRedacted(SECRET, bytes)).toMatchObject({ tls_certificate: { private_key: "[redacted]" } });
  });

  test("knows optional fields and maps as the language means them", () => {
    const message = registry.getMessage("envoy.config.core.v3.Metadata");
    expect(message?.fields.map(({ name, fieldKind }) => [name, fieldKind])).toEqual([
      ["filter_metadata", "map"],
      ["typed_filter_metadata", "map"],
    ]);
    const oneofs = [...registry].flatMap((type) => (type.kind === "message" ? type.oneofs : []));
    expect(oneofs.filter(({ name }) => name.startsWith("_"))).toEqual([]);
  });

  test("lacks what is newer, and says so", () => {
    expect(codec.hasField("envoy.config.route.v3.WeightedCluster", "use_hash_policy")).toBe(false);
    expect(codec.hasField("envoy.config.route.v3.WeightedCluster", "clusters")).toBe(true);
  });
});
