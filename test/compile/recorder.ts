import type { Mesh, Weights } from "../../src/core/mesh/mesh.ts";
import type { Selection } from "../../src/core/mesh/selection.ts";
import type { Codec } from "../../src/envoy/codec.ts";
import { type Compilation, compile } from "../../src/envoy/compile.ts";

export type Json = Readonly<Record<string, unknown>>;

/** A codec that takes everything and remembers the JSON that it was given. */
export function recorder(lacks: readonly string[] = []): { readonly codec: Codec; readonly seen: Json[] } {
  const seen: Json[] = [];
  const unused = (): never => {
    throw new Error("not recorded");
  };
  const codec: Codec = {
    envoyVersion: "recorder",
    encode(json) {
      const resource = json as Json;
      seen.push(resource);
      const text = JSON.stringify(resource);
      return {
        resource: {
          typeUrl: String(resource["@type"]),
          name: String(resource["name"] ?? resource["cluster_name"]),
          version: text,
          bytes: new TextEncoder().encode(text),
          refs: refsIn(resource),
        },
      };
    },
    check: () => [],
    decode: unused,
    decodeRedacted: unused,
    hasField: (_, field) => !lacks.includes(field),
  };
  return { codec, seen };
}

function refsIn(resource: Json): Compilation["resources"][number]["refs"] {
  const clusters = [...JSON.stringify(resource).matchAll(/"cluster":"([^"]+)"/g)];
  return clusters.map(([, name = ""]) => ({ typeUrl: "type.googleapis.com/envoy.config.cluster.v3.Cluster", name }));
}

/** Everything of a mesh on one node. */
export function wholeSelection(mesh: Mesh): Selection {
  const indexes = (list: readonly unknown[]): number[] => list.map((_, index) => index);
  return {
    gateways: indexes(mesh.gateways),
    sidecars: indexes(mesh.sidecars),
    resources: indexes(mesh.resources),
  };
}

/** The JSON of what compiling gives, in its order. */
export function compiledJson(
  mesh: Mesh,
  weights: Weights,
  selection: Selection = wholeSelection(mesh),
): readonly Json[] {
  const { codec, seen } = recorder();
  const { problems } = compile(mesh, weights, selection, codec);
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join("\n"));
  return seen;
}
