import { createHash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CLUSTER, ENDPOINTS, LISTENER } from "../../../src/core/resource/type-url.ts";
import type { Snapshot } from "../../../src/core/snapshot/snapshot.ts";
import { snapshotOf } from "../../../src/core/snapshot/snapshot.ts";
import { NO_MEMORY } from "../../../src/core/xds/memory.ts";
import type { Dialect, Response } from "../../../src/core/xds/message.ts";
import { lastNonce } from "../../../src/core/xds/nonces.ts";
import type { Stream } from "../../../src/core/xds/stream.ts";
import { memoryOf, onDeltaRequest, onSotwRequest, openStream, poll, setView } from "../../../src/core/xds/stream.ts";

const TIMES = { graceMs: 1_000, holdMs: 5_000 };
const TYPES = [CLUSTER, ENDPOINTS, LISTENER] as const;
const NAMES = ["a", "b", "c"] as const;

const digest = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");

/** What the two streams meet, in the words of numbers: which type, which names, which content. */
type Step =
  | { readonly do: "view"; readonly contents: readonly string[] }
  | { readonly do: "ask"; readonly type: number; readonly names: readonly string[] }
  | { readonly do: "answer"; readonly type: number; readonly refuses: boolean }
  | { readonly do: "reconnect" }
  | { readonly do: "wait"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .array(fc.constantFrom("", "1", "2"), { minLength: 3, maxLength: 3 })
    .map((contents) => ({ do: "view" as const, contents })),
  fc.record({ do: fc.constant("ask" as const), type: fc.nat(2), names: fc.subarray([...NAMES, "*"]) }),
  fc.record({
    do: fc.constant("answer" as const),
    type: fc.nat(2),
    refuses: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
  }),
  fc.constant({ do: "reconnect" as const }),
  fc.constantFrom(500, 6_000).map((ms) => ({ do: "wait" as const, ms })),
);

function viewOf(contents: readonly string[]): Snapshot {
  const resources = contents.flatMap((version, index) => {
    const name = NAMES[index] ?? "";
    if (version === "") return [];
    const bytes = new Uint8Array();
    const refs = [{ typeUrl: ENDPOINTS, name }];
    return [
      { typeUrl: CLUSTER, name, version, bytes, refs },
      { typeUrl: ENDPOINTS, name, version, bytes, refs: [] },
      { typeUrl: LISTENER, name, version, bytes, refs: [{ typeUrl: CLUSTER, name }] },
    ];
  });
  return snapshotOf(resources, digest);
}

/** Plays the steps on one stream; values that streams may share come from `share`. */
class Player {
  readonly said: unknown[] = [];
  readonly #dialect: Dialect;
  readonly #last = new Map<string, Response>();
  #tags = 0;
  #now = 0;
  stream: Stream;

  constructor(dialect: Dialect, tag: string) {
    this.#dialect = dialect;
    this.stream = openStream(dialect, tag, NO_MEMORY, 0);
  }

  play(one: Step, view: Snapshot | undefined, names: readonly string[]): void {
    if (one.do === "view") this.stream = setView(this.stream, view, this.#now);
    else if (one.do === "wait") this.#now += one.ms;
    else if (one.do === "reconnect") {
      this.#tags += 1;
      this.#last.clear();
      const opened = openStream(this.#dialect, `${this.stream.tag}${this.#tags}`, memoryOf(this.stream), this.#now);
      this.stream = setView(opened, this.stream.view, this.#now);
    } else {
      const typeUrl = TYPES[one.type] ?? CLUSTER;
      const last = this.#last.get(typeUrl);
      if (one.do === "ask") this.#request(typeUrl, names, "", undefined);
      else if (last !== undefined) this.#request(typeUrl, names, last.nonce, one.refuses ? "no" : undefined);
    }
    this.#poll();
  }

  #request(typeUrl: string, names: readonly string[], nonce: string, refusal: string | undefined): void {
    const error = refusal === undefined ? {} : { error: { code: 13, message: refusal } };
    const versionInfo = this.#last.get(typeUrl)?.version ?? "";
    const { stream, events } =
      this.#dialect === "sotw"
        ? onSotwRequest(this.stream, {
            typeUrl,
            names,
            versionInfo,
            nonce: this.#last.get(typeUrl)?.nonce ?? "",
            ...error,
          })
        : onDeltaRequest(this.stream, {
            typeUrl,
            subscribe: names,
            unsubscribe: [],
            initialVersions: new Map(),
            nonce,
            ...error,
          });
    this.stream = stream;
    this.said.push(events.map((event) => ("nonce" in event ? { ...event, nonce: event.nonce.slice(-2) } : event)));
  }

  #poll(): void {
    const { stream, responses, events, wakeAt } = poll(this.stream, this.#now, TIMES);
    this.stream = stream;
    for (const response of responses) this.#last.set(response.typeUrl, response);
    this.said.push([
      ...responses.map((response) => ({ ...response, nonce: response.nonce.slice(-2) })),
      events,
      wakeAt,
    ]);
  }
}

test.each(["sotw", "delta"] as const)(
  "P60 a stream that goes the way of another is told the same as one that goes it alone: %s",
  (dialect) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const alone = new Player(dialect, "a-");
        const first = new Player(dialect, "f-");
        const second = new Player(dialect, "s-");
        for (const one of steps) {
          const names = "names" in one ? one.names : NAMES;
          const view = one.do === "view" ? viewOf(one.contents) : undefined;
          first.play(one, view, names);
          second.play(one, view, names);
          // Equal values, and none of them the same: nothing that was worked out for the others is found.
          alone.play(one, one.do === "view" ? viewOf(one.contents) : undefined, [...names]);
        }
        expect(first.said).toEqual(alone.said);
        expect(second.said).toEqual(alone.said);
      }),
      { numRuns: 1_500 },
    );
  },
);

test.each(["sotw", "delta"] as const)(
  "streams that went the same way are one value but for their nonces: %s",
  (dialect) => {
    const names = [...NAMES];
    const players = ["a-", "b-"].map((tag) => new Player(dialect, tag));
    const steps: Step[] = [
      { do: "view", contents: ["1", "1", "1"] },
      { do: "ask", type: 1, names },
      { do: "answer", type: 1, refuses: false },
      { do: "view", contents: ["2", "1", "1"] },
      { do: "answer", type: 1, refuses: false },
      { do: "reconnect" },
      { do: "ask", type: 1, names },
    ];
    for (const one of steps) {
      const view = one.do === "view" ? viewOf(one.contents) : undefined;
      for (const player of players) player.play(one, view, names);
      expect(players[1]?.stream.types).toBe(players[0]?.stream.types);
    }
    const [a, b] = players.map(({ stream }) => lastNonce(stream.nonces, ENDPOINTS));
    expect(a).not.toBe(b);
  },
);

test.each(["sotw", "delta"] as const)(
  "Envoys that ask for hundreds of different lists, by turns: those with the same list are one value: %s",
  (dialect) => {
    const view = viewOf(["1", "1", "1"]);
    const lists = Array.from({ length: 200 }, (_, index) => ["a", `other-${index}`]);
    const round = (tag: string): Stream["types"][] =>
      lists.map((names, index) => {
        const player = new Player(dialect, `${tag}${index}-`);
        player.play({ do: "view", contents: [] }, view, []);
        player.play({ do: "ask", type: 1, names }, undefined, names);
        return player.stream.types;
      });
    const first = round("f");
    expect(new Set(first).size).toBe(lists.length);
    for (const [index, types] of round("s").entries()) expect(types).toBe(first[index]);
  },
);

test("P58 what streams said to get somewhere is bounded in bytes: of names of a mebibyte the first are let go", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const view = viewOf(["1", "1", "1"]);
  const asked = (n: number): WeakRef<object> => {
    const names = [`${n}${"x".repeat(1024 ** 2)}`];
    const stream = setView(openStream("sotw", "t", NO_MEMORY, 0), view, 0);
    onSotwRequest(stream, { typeUrl: ENDPOINTS, versionInfo: "", names, nonce: "" });
    return new WeakRef(names);
  };
  // Each weighs two mebibytes and a little; 128 MiB are kept.
  const lists = Array.from({ length: 100 }, (_, n) => asked(n));
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  const kept = lists.map((list) => list.deref() !== undefined);
  expect(kept.slice(0, 63)).not.toContain(true);
  expect(kept.slice(64)).not.toContain(false);
});
