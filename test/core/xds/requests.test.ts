import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Resource } from "../../../src/core/resource/resource.ts";
import { CLUSTER, ENDPOINTS } from "../../../src/core/resource/type-url.ts";
import type { DeltaMeaning } from "../../../src/core/xds/delta.ts";
import * as delta from "../../../src/core/xds/delta.ts";
import * as sotw from "../../../src/core/xds/sotw.ts";
import type { Meaning, Received, Standing, Table } from "../../../src/core/xds/standing.ts";
import { standingOf } from "../../../src/core/xds/standing.ts";
import type { TypeState } from "../../../src/core/xds/type-state.ts";
import { newTypeState } from "../../../src/core/xds/type-state.ts";
import { plantTree, ROOT } from "../../house/planted-tree.ts";

const resource = (name: string, version: string): Resource => {
  return { typeUrl: ENDPOINTS, name, version, bytes: new Uint8Array(), refs: [] };
};
const A = resource("a", "1");
const VIEW = new Map([["a", A]]);

const ASKED = { subscription: { wildcard: false, legacy: false, names: new Set(["a"]) } };
const INFLIGHT = {
  nonce: "n1",
  version: "v1",
  resources: new Map([["a", A]]),
  removed: [],
  whole: false,
  dropped: [],
};
/** A type that stands so, of which the client has nothing. */
const STANDING: Readonly<Record<Standing, TypeState>> = {
  unasked: newTypeState(ENDPOINTS),
  unanswered: { ...newTypeState(ENDPOINTS), ...ASKED },
  inFlight: { ...newTypeState(ENDPOINTS), ...ASKED, nonce: "n1", inflight: INFLIGHT },
  settled: { ...newTypeState(ENDPOINTS), ...ASKED, nonce: "n1" },
};

/** The names that the type is subscribed to after the request, what became of the response, and what is still to be said. */
function outcome({ state, events }: Received): string {
  const asked = [...(state.subscription?.names ?? [])].join(" ");
  const answered = state.inflight === undefined ? "" : " waits";
  const owed = state.owed === "all" ? " owes all" : state.owed.size > 0 ? ` owes ${[...state.owed].join(" ")}` : "";
  const has = state.client.except.get("a")?.version ?? "";
  return `asks ${asked}${owed}${answered}${has === "" ? "" : ` a=${has}`}${events.map(({ kind }) => `, ${kind}`).join("")}`;
}

const NONCE = { edit: "", ack: "n1", nack: "n1", unneeded: "n1", foreign: "n0" } as const;
const ERROR = { error: { code: 13, message: "no" } };

/** What a request is made of, for each meaning; it always asks for b as well. */
function sotwRequest(meaning: Meaning): Parameters<typeof sotw.receive>[1] {
  const versionInfo = meaning === "unneeded" ? "v0" : "v1";
  const request = { typeUrl: ENDPOINTS, names: ["a", "b"], versionInfo, nonce: NONCE[meaning] };
  return meaning === "nack" ? { ...request, ...ERROR } : request;
}

function deltaRequest(meaning: DeltaMeaning): Parameters<typeof delta.receive>[1] {
  const lists = { subscribe: ["b"], unsubscribe: [], initialVersions: new Map<string, string>() };
  const request = { typeUrl: ENDPOINTS, ...lists, nonce: NONCE[meaning] };
  return meaning === "nack" ? { ...request, ...ERROR } : request;
}

const ALL = "asks a b owes all";
const SOTW: Table<Meaning, string> = {
  unasked: { edit: ALL, ack: ALL, nack: ALL, unneeded: ALL, foreign: ALL },
  unanswered: {
    edit: "asks a b owes b",
    ack: "asks a b owes b",
    nack: "asks a b owes b",
    unneeded: "asks a b owes b",
    foreign: "asks a b owes b",
  },
  inFlight: {
    edit: "asks a waits",
    ack: "asks a b owes b a=1, acked",
    nack: "asks a b owes b a=?, refused",
    unneeded: "asks a b owes b a=?",
    foreign: "asks a waits",
  },
  settled: {
    edit: "asks a",
    ack: "asks a b owes b",
    nack: "asks a b owes b",
    unneeded: "asks a b owes b",
    foreign: "asks a",
  },
};

const DELTA: Table<DeltaMeaning, string> = {
  unasked: { edit: "asks b owes b", ack: "asks b owes b", nack: "asks b owes b", foreign: "asks b owes b" },
  unanswered: {
    edit: "asks a b owes b",
    ack: "asks a b owes b",
    nack: "asks a b owes b",
    foreign: "asks a b owes b",
  },
  inFlight: {
    edit: "asks a b owes b waits",
    ack: "asks a b owes b a=1, acked",
    nack: "asks a b owes b a=?, refused",
    foreign: "asks a b owes b waits",
  },
  settled: {
    edit: "asks a b owes b",
    ack: "asks a b owes b",
    nack: "asks a b owes b",
    foreign: "asks a b owes b",
  },
};

function cells<M extends Meaning>(table: Table<M, string>): [Standing, M, string][] {
  return Object.entries(table).flatMap(([standing, row]) =>
    Object.entries(row).map(([meaning, said]): [Standing, M, string] => [
      standing as Standing,
      meaning as M,
      said as string,
    ]),
  );
}

describe("what a request does, state of the world", () => {
  test.each(cells(SOTW))("%s, %s: %s", (standing, meaning, expected) => {
    const state = STANDING[standing];
    expect(standingOf(state)).toBe(standing);
    const request = sotwRequest(meaning);
    // Without a response in flight there is no version that it could differ from.
    if (meaning !== "unneeded" || standing === "inFlight") {
      expect(sotw.meaningOf({ ...state, nonce: "n1" }, request)).toBe(meaning);
    }
    expect(outcome(sotw.receive(state, request))).toBe(expected);
  });
});

describe("what a request does, incremental", () => {
  test.each(cells(DELTA))("%s, %s: %s", (standing, meaning, expected) => {
    const state = STANDING[standing];
    const request = deltaRequest(meaning);
    expect(delta.meaningOf({ ...state, nonce: "n1" }, request)).toBe(meaning);
    expect(outcome(delta.receive(state, request, VIEW))).toBe(expected);
  });
});

describe("a table with a hole", () => {
  /** One cell each: the line of a standing, and what is taken out of it. */
  const HOLES: readonly (readonly [file: string, cell: string, missing: string])[] = [
    ["sotw.ts", "nack: refuse, ", "nack"],
    ["sotw.ts", ", foreign: ignore", "foreign"],
    ["delta.ts", "nack: refuse, ", "nack"],
    ["delta.ts", "  settled: { edit: edit, ack: edit, nack: edit, foreign: edit },\n", "settled"],
  ];
  const core = (): Record<string, string> => {
    const files = readdirSync(join(ROOT, "src/core"), { recursive: true, encoding: "utf8" });
    const sources = files.filter((file) => file.endsWith(".ts")).map((file) => join("src/core", file));
    return Object.fromEntries(sources.map((file) => [file, readFileSync(join(ROOT, file), "utf8")]));
  };

  test("does not compile, whichever cell it is", { timeout: 60_000 }, async () => {
    const whole = await plantTree(core());
    expect(await whole.compile("src/core")).toEqual([""]);
    await whole.remove();
    for (const [name, cell, missing] of HOLES) {
      const files = core();
      const path = `src/core/xds/${name}`;
      const text = files[path] ?? "";
      expect(text).toContain(cell);
      const tree = await plantTree({ ...files, [path]: text.replace(cell, "") });
      expect((await tree.compile("src/core")).join("\n")).toMatch(
        new RegExp(`xds/${name}.*error TS2741: Property '${missing}' is missing`),
      );
      await tree.remove();
    }
  });
});

test("P08 an error for a type that nobody asked for is a first request like any other", () => {
  const request = { typeUrl: CLUSTER, names: [], versionInfo: "", nonce: "foreign", ...ERROR };
  expect(sotw.receive(newTypeState(CLUSTER), request).events).toEqual([]);
});

test.each([
  ["a node that is given nothing", new Map<string, Resource>(), (state: TypeState) => state],
  [
    "one that is answered",
    VIEW,
    (state: TypeState) => delta.respond(state, { version: "1", resources: VIEW, held: new Set() }, "n").state,
  ],
])("P58 names that were given up leave nothing behind: %s asks on and on", (_, view, answered) => {
  let state = newTypeState(ENDPOINTS);
  for (let n = 0; n < 100; n += 1) {
    const request = { typeUrl: ENDPOINTS, initialVersions: new Map(), nonce: "" };
    const edit = { ...request, subscribe: [`${n}`], unsubscribe: [`${n - 1}`] };
    state = answered(delta.receive({ ...state, inflight: undefined }, edit, view).state);
  }
  const left = [state.subscription?.names, state.client.except, state.owed, state.pending];
  expect(
    left.map((names) => (typeof names === "object" ? names.size : names)).filter((size) => Number(size) > 1),
  ).toEqual([]);
});
