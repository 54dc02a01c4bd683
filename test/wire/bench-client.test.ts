import { loadSync } from "@grpc/proto-loader";
import { describe, expect, test } from "vitest";
import { readNode } from "../../src/grpc/node-reader.ts";
import type { Dialect } from "../bench/xds/wire.ts";
import {
  countOf,
  encodeHeld,
  encodeNames,
  encodeNode,
  encodeRequest,
  MessageCutter,
  readEnvelope,
  readVersions,
  TYPE_URLS,
} from "../bench/xds/wire.ts";

const definition = loadSync("envoy/service/discovery/v3/discovery.proto", {
  includeDirs: [new URL("../../proto", import.meta.url).pathname],
});

interface Codec {
  serialize(value: object): Buffer;
  deserialize(bytes: Buffer): object;
}

const codec = (name: string): Codec => definition[`envoy.service.discovery.v3.${name}`] as unknown as Codec;
const typeUrl = TYPE_URLS.endpoints;
/** Longer than what one byte of length can say. */
const NAMES = Array.from({ length: 300 }, (_, n) => `svc-${n}`);

function decoded(dialect: Dialect, framed: Buffer): object {
  expect(framed.readUInt32BE(1)).toBe(framed.length - 5);
  return codec(dialect === "sotw" ? "DiscoveryRequest" : "DeltaDiscoveryRequest").deserialize(framed.subarray(5));
}

describe("the benchmark's client", () => {
  test("says in SotW what it has, wants and refuses, as protobuf reads it", () => {
    const node = encodeNode("client-7", "fleet");
    const parts = { node, typeUrl, names: encodeNames(NAMES), version: "v", nonce: "n", refusal: "no" };
    expect(decoded("sotw", encodeRequest("sotw", parts))).toMatchObject({
      node,
      typeUrl,
      resourceNames: NAMES,
      versionInfo: "v",
      responseNonce: "n",
      errorDetail: { code: 3, message: "no" },
    });
    expect(readNode(node)).toMatchObject({ id: "client-7", cluster: "fleet" });
  });

  test("says in delta what it has, wants and refuses, as protobuf reads it", () => {
    const held = encodeHeld(new Map([["svc-0", "a"]]));
    const parts = { typeUrl, names: encodeNames(NAMES), held, nonce: "n", refusal: "no" };
    expect(decoded("delta", encodeRequest("delta", parts))).toMatchObject({
      typeUrl,
      resourceNamesSubscribe: NAMES,
      initialResourceVersions: { "svc-0": "a" },
      responseNonce: "n",
      errorDetail: { code: 3, message: "no" },
    });
  });

  test("reads what it must acknowledge, counts resources and finds marks in bytes", () => {
    const resource = { typeUrl, value: Buffer.from("round-00000001 round-00000001") };
    const resources = NAMES.map((name) => ({ name, version: `${name}!`, resource }));
    const bytes = codec("DeltaDiscoveryResponse").serialize({ systemVersionInfo: "v", nonce: "n", typeUrl, resources });
    expect(readEnvelope(bytes)).toEqual({ version: "v", nonce: "n", typeUrl, resources: 300 });
    expect(readVersions(bytes)).toEqual(new Map(NAMES.map((name) => [name, `${name}!`])));
    expect(countOf(Buffer.from("round-00000001"), bytes)).toBe(600);
  });

  test.each([1, 4, 5, 6, 1_000])("cuts messages out of chunks of %i bytes", (size) => {
    const messages = [encodeRequest("delta", { typeUrl, names: encodeNames(NAMES) }), Buffer.alloc(5)];
    const all = Buffer.concat([...messages, ...messages]);
    const cut: Buffer[] = [];
    const cutter = new MessageCutter((message) => cut.push(Buffer.from(message)));
    for (let at = 0; at < all.length; at += size) cutter.push(all.subarray(at, at + size));
    const bodies = messages.map((message) => message.subarray(5));
    expect(cut).toEqual([...bodies, ...bodies]);
  });
});
