import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Telemetry } from "../../src/control/telemetry.ts";
import { CLUSTER, ENDPOINTS } from "../../src/core/resource/type-url.ts";
import { builtCodec } from "../../src/file/schema-set.ts";
import { furtherRoutes } from "../../src/grpc/further-services.ts";
import { snapshot } from "../../src/library/snapshot.ts";
import { Random } from "../bench/soak/random.ts";
import { serving } from "../http/serving.ts";
import { message } from "./ads-client.ts";
import { type Edge, nodeOf, resource, startEdge, viewOf } from "./edge.ts";
import { FINE, mutate, mutateJson } from "./mutation.ts";
import { frame, type RawCall, RawClient, type RawEnd } from "./raw-call.ts";
import { GRPC_ROWS, REST_ROWS } from "./rpc-rows.ts";

// Seeded: `FUZZ_SEED=7 FUZZ_CASES=200000 npx vitest run test/wire/fuzz.test.ts` does by hand what CI does in small.

const SEED = Number(process.env["FUZZ_SEED"] ?? 1);
const CASES = Number(process.env["FUZZ_CASES"] ?? 2_400);
const LIMIT_MS = 30_000 + CASES * 10;
/** Cases that are under way at a time, on all connections together. */
const BATCH = 60;
const CONNECTIONS = 6;
/** After so many it is looked at how much memory is in use; not before, for much is made once. */
const WARM = 10 * BATCH;
const MIB = 1024 ** 2;
/** What is kept of nodes that are away, and of those that poll, is that of a small fleet: the fuzzer makes up more. */
const LOST = { count: 100, identityBytes: 2 * MIB, names: 8_192 };
const POLLS = { polls: 100, bytes: 2 * MIB };
/** What may have come to be in use, in MiB: what is kept of those, where a name weighs 256 bytes at most; and a little. */
const GROWTH = (LOST.identityBytes + LOST.names * 256 + POLLS.bytes) / MIB + 4;
const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
/** OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, and INTERNAL, which is what gRPC says of frames that are none. */
const STREAM_STATUSES = ["0", "3", "8", "13"];
/** Whoever fetches may also ask for what there is not, and more than once, which is one time too many. */
const FETCH_STATUSES = [...STREAM_STATUSES, "5"];
const HTTP_STATUSES = new Set([200, 304, 400, 403, 404, 413, 415, 422, 503]);

let edge: Edge;
let warnings: string[];
beforeEach(async () => {
  warnings = [];
  const telemetry = new Telemetry();
  const more = (registry: Edge["registry"]) => furtherRoutes({ registry, telemetry });
  edge = await startEdge({ graceMs: 100, holdMs: 500 }, more, {
    onWarning: (text) => void warnings.push(text),
    newStreams: { burst: 1e9, perSecond: 1e9 },
    lost: LOST,
    polls: POLLS,
  });
  const resources = [
    { "@type": CLUSTER, name: "a" },
    { "@type": ENDPOINTS, clusterName: "a" },
  ];
  const view = { snapshot: snapshot({ resources }).content, revision: 1, group: "g" };
  edge.registry.listen((event) => {
    if (event.kind === "connected" && !WITNESS.test(event.node.id)) edge.registry.assign(event.node.id, view);
  });
});
afterEach(() => edge.close());

/** Nodes that are there to see what becomes of the others. */
const WITNESS = /^(apart|beside-\d)$/;

/** A client that does all as it should, on a connection of its own or beside those that do not. */
class Witness {
  readonly #call: RawCall;
  readonly #id: string;

  constructor(client: RawClient, id: string) {
    this.#id = id;
    this.#call = client.call(ADS);
    this.#say({ node: nodeOf(id), typeUrl: CLUSTER });
  }

  /** Resolves once the change has come and its ACK has been taken in; the test's own time limit is the only one. */
  async sees(change: string): Promise<void> {
    const converged = new Promise<void>((resolve) => {
      const stop = edge.registry.listen((event) => {
        if (event.kind !== "converged" || event.node.id !== this.#id) return;
        stop();
        resolve();
      });
    });
    edge.registry.assign(this.#id, viewOf(resource(CLUSTER, "a", change)));
    const { versionInfo, nonce, resources } = message("DiscoveryResponse").deserialize(await this.#call.next());
    expect(String((resources as { value: Buffer }[])[0]?.value)).toBe(change);
    this.#say({ typeUrl: CLUSTER, versionInfo, responseNonce: nonce });
    await converged;
  }

  #say(request: object): void {
    this.#call.write(frame(message("DiscoveryRequest").serialize(request)));
  }
}

async function arrived(ids: readonly string[]): Promise<void> {
  const here = (): string[] => ids.filter((id) => edge.registry.node(id)?.connected === true);
  await expect.poll(here, { timeout: 20_000 }).toEqual(ids);
}

/** One call that says up to four things, most of them wrong, and goes in one of three ways. */
async function attack(client: RawClient, random: Random): Promise<void> {
  const row = random.pick(GRPC_ROWS);
  const call = client.call(row.path);
  const said: string[] = [];
  for (let n = random.below(4); n >= 0; n -= 1) {
    const { how, bytes } = mutate(row.request({ id: `fuzz-${random.below(50)}`, cluster: "edge" }) as Buffer, random);
    said.push(how);
    call.write(bytes);
  }
  if (random.next() < 0.1) {
    call.stream.close(8);
    await call.ended;
    return;
  }
  call.stream.end();
  const may = said.every((how) => how === FINE) ? ["0"] : STREAM_STATUSES;
  judge(
    await call.ended,
    row.path.includes("/Fetch") ? FETCH_STATUSES : may,
    `${row.path}: ${said.join(", ")} (seed ${SEED})`,
  );
}

function judge({ status, message: text, reset }: RawEnd, statuses: readonly string[], what: string): void {
  expect(reset, what).toBe(0);
  expect(statuses, what).toContain(status);
  expect(text ?? "", what).not.toContain("this server failed");
}

function collected(): number {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  gc();
  gc();
  return process.memoryUsage().heapUsed / MIB;
}

describe("bad input is the problem of the call that it comes on", () => {
  test(
    `${CASES} calls of every kind say what is wrong: each ends with a status, and others are served as before`,
    async () => {
      const random = new Random(SEED);
      const clients = Array.from({ length: CONNECTIONS }, () => new RawClient(edge.port));
      const own = new RawClient(edge.port);
      const witnesses = [new Witness(own, "apart"), ...clients.map((client, n) => new Witness(client, `beside-${n}`))];
      const ids = ["apart", ...clients.map((_, n) => `beside-${n}`)];
      await arrived(ids);
      let before = 0;
      for (let done = 0; done < CASES; done += BATCH) {
        const attacks = Array.from({ length: BATCH }, () => attack(random.pick(clients), random));
        await Promise.all([...attacks, ...witnesses.map((witness) => witness.sees(`after ${done}`))]);
        // What the test itself keeps is no part of what is measured.
        edge.events.length = 0;
        if (done === WARM) before = collected();
      }
      expect(warnings.filter((text) => text.includes(" failed: "))).toEqual([]);
      expect(collected() - before).toBeLessThan(GROWTH);
      for (const client of [own, ...clients]) client.close();
    },
    LIMIT_MS,
  );

  test(
    `${CASES / 8} bodies of REST that are none: each is refused in words, and the next good one is answered`,
    async () => {
      const random = new Random(SEED);
      const rest = await serving("127.0.0.1:0", undefined, undefined, {
        codec: builtCodec(),
        fetch: (request, node) => edge.registry.fetchOnce(request, node),
      });
      const client = new RawClient(edge.port);
      const witness = new Witness(client, "apart");
      await arrived(["apart"]);
      for (let n = 0; n < CASES / 8; n += 1) {
        const { path, request } = random.pick(REST_ROWS);
        const body = mutateJson(request({ id: "rest", cluster: "edge" }), random);
        const { status, text } = await rest.ask("POST", path, body);
        expect(HTTP_STATUSES, `${path} of ${body.slice(0, 200)} gave ${status} ${text.slice(0, 200)}`).toContain(
          status,
        );
        if (n % 50 === 0) await witness.sees(`after ${n}`);
      }
      client.close();
    },
    LIMIT_MS,
  );
});

describe("too much is the problem of who sends it", () => {
  test("a request of 62 MiB is taken, one of more than 64 is refused; nobody waits for either", async () => {
    const own = new RawClient(edge.port);
    const witness = new Witness(own, "apart");
    await arrived(["apart"]);
    const client = new RawClient(edge.port);
    const node = nodeOf("large");
    const names = Array.from({ length: 62 }, () => "n".repeat(MIB));
    const large = message("DiscoveryRequest").serialize({ node, typeUrl: ENDPOINTS, resourceNames: names });
    const taken = client.call(ADS).write(frame(large));
    await witness.sees("while it comes");
    await arrived(["large"]);
    taken.stream.end();
    expect((await taken.ended).status).toBe("0");
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(64 * MIB + 1, 1);
    expect(await client.call(ADS).write(prefix).ended).toMatchObject({ status: "8" });
    await witness.sees("after it");
    client.close();
    own.close();
  });

  test.each([
    ["empty", Buffer.alloc(0), "3"],
    ["of a tenth of a mebibyte", Buffer.alloc(MIB / 10, "x"), "0"],
    ["of a mebibyte", Buffer.alloc(MIB, "x"), "3"],
    ["of control characters", Buffer.from("\u0000\u001b[2J\r\n\u007f"), "0"],
    ["the name of every prototype", Buffer.from("__proto__"), "0"],
    ["half of a character", Buffer.from([0xed, 0xa0, 0x80]), "0"],
  ])("a node whose id is %s is a node like any other, or none", async (_, id, status) => {
    const own = new RawClient(edge.port);
    const witness = new Witness(own, "apart");
    await arrived(["apart"]);
    const client = new RawClient(edge.port);
    // The encoder of the schema would make it well-formed.
    const node = Buffer.concat([Buffer.from([0x0a, ...varint(id.length)]), id]);
    const call = client.call(ADS).write(frame(message("DiscoveryRequest").serialize({ node, typeUrl: CLUSTER })));
    call.stream.end();
    expect((await call.ended).status).toBe(status);
    await witness.sees("after it");
    expect(({} as Record<string, unknown>)["cluster"]).toBeUndefined();
    client.close();
    own.close();
  });

  test("streams that are opened and reset without end (rapid reset) cost their connection, and leave nothing behind", async () => {
    const own = new RawClient(edge.port);
    const witness = new Witness(own, "apart");
    await arrived(["apart"]);
    const client = new RawClient(edge.port);
    const request = frame(message("DiscoveryRequest").serialize({ node: nodeOf("flood"), typeUrl: CLUSTER }));
    for (let n = 0; n < 5_000 && !client.session.destroyed; n += 1) {
      client.call(ADS).write(request).stream.close(8);
      if (n % 500 === 0) await witness.sees(`after ${n}`);
    }
    await client.closed;
    await witness.sees("after the flood");
    await expect.poll(() => edge.registry.node("flood")?.connected ?? false).toBe(false);
    own.close();
  });

  test("a flood of requests on one stream is heard by the one that sent it; others have their answers meanwhile", async () => {
    const own = new RawClient(edge.port);
    const witness = new Witness(own, "apart");
    await arrived(["apart"]);
    const client = new RawClient(edge.port);
    const first = message("DiscoveryRequest").serialize({ node: nodeOf("loud"), typeUrl: CLUSTER });
    const more = frame(message("DiscoveryRequest").serialize({ typeUrl: ENDPOINTS, resourceNames: ["a"] }));
    const call = client.call(ADS).write(frame(first), Buffer.concat(Array.from({ length: 50_000 }, () => more)));
    for (let n = 0; n < 5; n += 1) await witness.sees(`while it is loud ${n}`);
    call.stream.end();
    expect((await call.ended).status).toBe("0");
    client.close();
    own.close();
  });
});

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return [...bytes, rest];
}
