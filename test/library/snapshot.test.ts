import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CLUSTER, ENDPOINTS, ROUTES } from "../../src/core/resource/type-url.ts";
import { changeBetween } from "../../src/core/snapshot/change.ts";
import { type Snapshot, snapshot } from "../../src/library/snapshot.ts";

const TYPES = [CLUSTER, ENDPOINTS, ROUTES];
const NAMES = ["a", "b", "10", "9", "z", "ä"];

const resource = (typeUrl: string, name: string, content: number) => ({
  typeUrl,
  name,
  bytes: new Uint8Array([content]),
});

type Edit = readonly [type: number, name: number, content: number | undefined];

const edits = fc.array(
  fc.tuple(fc.nat(TYPES.length - 1), fc.nat(NAMES.length - 1), fc.option(fc.nat(2), { nil: undefined })),
);

function shown({ content }: Snapshot): unknown {
  const types = [...content.types].map(([typeUrl, { version, resources }]) => [
    typeUrl,
    version,
    [...resources].map(([name, { version: of }]) => `${name} ${of}`),
  ]);
  return [content.digest, types];
}

describe("a snapshot that is changed", () => {
  test("is the one that would be made of what it has now, in any order of changes", () => {
    const name = ([type, at]: Edit) => ({ typeUrl: TYPES[type] as string, name: NAMES[at] as string });
    fc.assert(
      fc.property(fc.array(edits), (rounds) => {
        const has = new Map<string, ReturnType<typeof resource>>();
        let changed = snapshot({ resources: [] });
        for (const round of rounds) {
          const set = new Map<string, ReturnType<typeof resource>>();
          const remove = round.filter(([, , content]) => content === undefined).map(name);
          for (const gone of remove) has.delete(`${gone.typeUrl} ${gone.name}`);
          for (const edit of round) {
            const { typeUrl, name: called } = name(edit);
            if (edit[2] !== undefined) set.set(`${typeUrl} ${called}`, resource(typeUrl, called, edit[2]));
          }
          for (const [key, value] of set) has.set(key, value);
          changed = changed.with({ set: [...set.values()], remove });
          expect(shown(changed)).toEqual(shown(snapshot({ resources: [...has.values()] })));
        }
      }),
    );
  });

  test("keeps what did not change as the very same objects", () => {
    const before = snapshot({
      resources: [resource(CLUSTER, "a", 1), resource(CLUSTER, "b", 1), resource(ROUTES, "r", 1)],
    });
    const after = before.with({
      set: [resource(CLUSTER, "a", 1), resource(CLUSTER, "b", 2), resource(ROUTES, "r", 1)],
    });
    expect(after.content.types.get(ROUTES)).toBe(before.content.types.get(ROUTES));
    const [a, b] = [before, after].map(({ content }) => content.types.get(CLUSTER)?.resources);
    expect(b?.get("a")).toBe(a?.get("a"));
    expect(b?.get("b")).not.toBe(a?.get("b"));
    expect(changeBetween(before.content, after.content)).toEqual(new Map([[CLUSTER, new Set(["b"])]]));
  });

  test("takes the references of content that was given as bytes before, and is now given as JSON", () => {
    const json = {
      "@type": CLUSTER,
      name: "a",
      type: "EDS",
      connect_timeout: "1s",
      eds_cluster_config: { eds_config: { ads: {}, resource_api_version: "V3" } },
    };
    const full = snapshot({ resources: [json] });
    const bytes = full.content.types.get(CLUSTER)?.resources.get("a")?.bytes as Uint8Array;
    const plain = snapshot({ resources: [{ typeUrl: CLUSTER, name: "a", bytes }], version: "7" });
    const after = plain.with({ set: [json], version: "8" });
    expect([plain.dangling(), after.dangling()]).toEqual([[], [{ typeUrl: ENDPOINTS, name: "a" }]]);
    expect(after.version(CLUSTER)).toBe("7");
  });
});
