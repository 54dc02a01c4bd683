import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scanDescriptors } from "../../src/envoy/descriptor-scan.ts";
import { openRegistry } from "../../src/envoy/registry.ts";
import { envoyBinary } from "./codec-fixture.ts";

const CLUSTER_FILE = "envoy/config/cluster/v3/cluster.proto";

/** What was counted in the Envoys of these versions: files, and messages of Envoy itself. */
const COUNTED = new Map([
  ["1.36.4", [480, 1_172]],
  ["1.38.3", [525, 1_287]],
  ["1.40.0", [559, 1_379]],
]);

const binary = envoyBinary();

describe("descriptors in an Envoy", () => {
  test.skipIf(binary === undefined)("are all found, with every import, and no more than once", () => {
    const path = binary ?? "";
    const version = /\/(\d+\.\d+\.\d+)/.exec(execFileSync(path, ["--version"], { encoding: "utf8" }))?.[1] ?? "";
    const scan = scanDescriptors(readFileSync(path));
    if ("problem" in scan) throw new Error(scan.problem);
    const messages = [...openRegistry(scan.set)].filter(
      (type) => type.kind === "message" && type.typeName.startsWith("envoy."),
    );
    const [files, types] = COUNTED.get(version) ?? [expect.any(Number), expect.any(Number)];
    expect({ files: scan.files, messages: messages.length }).toEqual({ files, messages: types });
    expect(scan.files).toBeGreaterThan(400);
  });

  test("are found among other bytes, whatever follows them", () => {
    const scan = scanDescriptors(
      join(noise, file("a/b.proto"), noise, file(CLUSTER_FILE, ["a/b.proto"]), file("c.proto")),
    );
    expect(scan).toMatchObject({ files: 3 });
  });

  test("are put in the order of their imports", () => {
    const scan = scanDescriptors(
      join(file(CLUSTER_FILE, ["z.proto"]), noise, file("z.proto", ["y.proto"]), file("y.proto")),
    );
    const text = "set" in scan ? new TextDecoder("latin1").decode(scan.set) : "";
    const places = ["\u0007y.proto", "\u0007z.proto", CLUSTER_FILE].map((name) => text.indexOf(name));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
  });

  test("that import what is not there are refused by name", () => {
    const scan = scanDescriptors(
      join(file(CLUSTER_FILE, ["gone/one.proto", "a.proto"]), noise, file("a.proto", ["gone/two.proto"])),
    );
    expect(scan).toEqual({ problem: expect.stringMatching(/not in it: .*gone\/one\.proto.*|gone\/two\.proto/) });
    expect(scan).toEqual({ problem: expect.stringContaining("gone/two.proto") });
  });

  test("the first of a name counts", () => {
    const twice = join(file(CLUSTER_FILE), noise, file("a.proto", [], "first"), noise, file("a.proto", [], "second"));
    const scan = scanDescriptors(twice);
    const text = "set" in scan ? new TextDecoder("latin1").decode(scan.set) : "";
    expect([text.includes("first"), text.includes("second")]).toEqual([true, false]);
  });

  test.each([
    ["nothing", new Uint8Array()],
    ["a program that is no Envoy", join(noise0(), file("google/protobuf/any.proto"))],
    ["a name without a file", new TextEncoder().encode(`\n%${CLUSTER_FILE}`)],
    ["an Envoy that was cut in its first descriptor", file(CLUSTER_FILE, ["a.proto"]).subarray(0, 30)],
  ])("%s is no Envoy", (_, bytes) => {
    expect(scanDescriptors(bytes)).toEqual({ problem: expect.stringContaining("no Envoy binary") });
  });

  test("any bytes are scanned without a crash", () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.constantFrom(file("a.proto"), file(CLUSTER_FILE), PROTO),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.nat(400), (pieces, cut) => {
        const scan = scanDescriptors(join(...pieces).subarray(0, cut));
        expect("set" in scan || scan.problem.length > 10).toBe(true);
      }),
    );
  });
});

const PROTO = new TextEncoder().encode("\n\u0007a.proto");
const noise = new TextEncoder().encode("\u0000\u0001 see x/y.proto and .proto \u0000\u0000");

function noise0(): Uint8Array {
  return new TextEncoder().encode("\u0000 .proto \u0000");
}

function file(name: string, dependency: string[] = [], type = "message"): Uint8Array {
  return toBinary(
    FileDescriptorProtoSchema,
    create(FileDescriptorProtoSchema, { name, dependency, messageType: [{ name: type }], syntax: "proto3" }),
  );
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}
