import type { DescExtension, DescMessage, FileRegistry, Message } from "@bufbuild/protobuf";
import { getOption, hasOption, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { growingCodec } from "../../src/envoy/growing-codec.ts";
import { createCodec } from "../../src/envoy/json-codec.ts";
import { openRegistry } from "../../src/envoy/registry.ts";
import { usualPart } from "../../src/envoy/schema-part.ts";
import { digest, testCodec, testSet } from "./codec-fixture.ts";

const { set, envoyVersion } = testSet();
const part = createCodec({ set: usualPart(set), envoyVersion, digest });

/** A codec that has just been started, and how often it has opened the whole. */
function started() {
  const counted = { opened: 0 };
  const codec = growingCodec(part, () => {
    counted.opened += 1;
    return testCodec();
  });
  return { codec, counted };
}

/** Each field with all that a codec reads of it. */
function fieldsOf(registry: FileRegistry, message: DescMessage) {
  const rules = registry.getExtension("validate.rules") as DescExtension & { readonly message: DescMessage };
  const sensitive = registry.getExtension("udpa.annotations.sensitive") as DescExtension;
  return message.fields.map((field) => ({
    field: `${field.toString()} = ${field.number}`,
    json: field.jsonName,
    type: (field.message ?? field.enum)?.typeName ?? field.scalar,
    isSecret: hasOption(field, sensitive),
    rules: hasOption(field, rules) && toJson(rules.message, getOption(field, rules) as Message, { registry }),
  }));
}

const CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const usual = {
  "@type": CLUSTER,
  name: "reviews@v1",
  typed_extension_protocol_options: {
    [OPTIONS]: {
      "@type": `type.googleapis.com/${OPTIONS}`,
      explicit_http_config: { http2_protocol_options: { max_concurrent_streams: 100 } },
    },
  },
};
/** Its configuration is a message that no mesh is compiled to. */
const unusual = {
  "@type": CLUSTER,
  name: "both",
  lb_policy: "CLUSTER_PROVIDED",
  cluster_type: {
    name: "envoy.clusters.aggregate",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig",
      clusters: ["a", "b"],
    },
  },
};

describe("a codec that begins with the usual part of Envoy's API", () => {
  test("is made of a fraction of it", () => {
    expect(usualPart(set).length).toBeLessThan(set.length / 2);
  });

  test("has the messages of the whole as they are there, with the rules of their fields", () => {
    const [whole, usual] = [openRegistry(set), openRegistry(usualPart(set))];
    const names = [...usual].filter(({ kind, typeName }) => kind === "message" && typeName.startsWith("envoy."));
    expect(names.length).toBeGreaterThan(200);
    for (const { typeName } of names) {
      const [here, there] = [usual.getMessage(typeName), whole.getMessage(typeName)];
      if (here === undefined || there === undefined) throw new Error(`${typeName} is not in both`);
      expect(fieldsOf(usual, here)).toEqual(fieldsOf(whole, there));
      expect(here.oneofs.map(String)).toEqual(there.oneofs.map(String));
    }
  });

  test("encodes what is usual to the bytes of the whole, without opening it", () => {
    const { codec, counted } = started();
    expect(codec.encode(usual)).toHaveProperty("resource");
    expect(codec.encode(usual)).toEqual(testCodec().encode(usual));
    expect(codec.check(CLUSTER, { name: "a" })).toEqual([]);
    expect(codec.hasField("envoy.config.cluster.v3.Cluster", "lb_policy")).toBe(true);
    expect(counted.opened).toBe(0);
  });

  test("opens the whole once for what is not in the part, and answers as the whole does", () => {
    const { codec, counted } = started();
    expect(part.encode(unusual)).toHaveProperty("problems");
    expect(codec.encode(unusual)).toHaveProperty("resource");
    expect(codec.encode(unusual)).toEqual(testCodec().encode(unusual));
    expect(counted.opened).toBe(1);
  });

  test("says of a mistake what the whole says, hints from all of the API included", () => {
    const { codec } = started();
    for (const mistake of [
      { ...usual, nope: 1 },
      { ...usual, "@type": "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfigs" },
      { ...unusual, name: "" },
    ])
      expect(codec.encode(mistake)).toEqual(testCodec().encode(mistake));
    const typo = { typo: true };
    expect(started().codec.check(CLUSTER, typo)).toEqual(testCodec().check(CLUSTER, typo));
    expect(started().codec.hasField("envoy.config.cluster.v3.Cluster", "nope")).toBe(false);
  });

  test("shows a message within a message by its name also where the part lacks it", () => {
    const encoded = testCodec().encode(unusual);
    if ("problems" in encoded) throw new Error("it cannot be encoded");
    const { typeUrl, bytes } = encoded.resource;
    expect(started().codec.decode(typeUrl, bytes)).toEqual(testCodec().decode(typeUrl, bytes));
    expect(started().codec.decodeRedacted(typeUrl, bytes)).toEqual(testCodec().decodeRedacted(typeUrl, bytes));
    expect(JSON.stringify(started().codec.decode(typeUrl, bytes))).toContain('"clusters":["a","b"]');
  });
});
