import { createInterface } from "node:readline";
import { SnapshotCache, snapshot, XdsServer } from "../../../src/index.ts";
import type { Order } from "./order.ts";
import { markOf, nameOf } from "./order.ts";
import { TYPE_URLS } from "./wire.ts";

type Json = Readonly<Record<string, unknown>>;

/** What the group was filled with, and how often it changed. */
let [group, padding, round] = ["", 0, 0];

function cluster(n: number): Json {
  return {
    "@type": TYPE_URLS.clusters,
    name: nameOf(n),
    altStatName: markOf(round),
    type: "EDS",
    connectTimeout: "2s",
    edsClusterConfig: { edsConfig: { resourceApiVersion: "V3", ads: {} } },
    ...(padding > 0 && { metadata: { filterMetadata: { bench: { padding: letters(n) } } } }),
  };
}

/** Different from cluster to cluster, as configuration is. */
function letters(n: number): string {
  return Array.from({ length: padding }, (_, at) => String.fromCharCode(97 + ((n * 7 + at) % 23))).join("");
}

function assignment(n: number): Json {
  const socketAddress = { address: `10.0.${Math.floor(n / 256)}.${n % 256}`, portValue: 20_000 + round };
  const endpoint = { hostname: markOf(round), address: { socketAddress } };
  return { "@type": TYPE_URLS.endpoints, clusterName: nameOf(n), endpoints: [{ lbEndpoints: [{ endpoint }] }] };
}

function many(count: number, make: (n: number) => Json): Json[] {
  return Array.from({ length: count }, (_, n) => make(n));
}

const cache = new SnapshotCache({ group: (node) => node.cluster });
const server = new XdsServer({ cache });

function obey(order: Order): void {
  if (order.do === "fill") {
    [group, padding, round] = [order.group, order.padding, 0];
    cache.set(group, snapshot({ resources: [...many(order.clusters, cluster), ...many(order.endpoints, assignment)] }));
    return;
  }
  round += 1;
  cache.update(group, { set: many(order.count, order.kind === "clusters" ? cluster : assignment) });
}

const answer = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

answer(await server.listen("127.0.0.1:0"));
for await (const line of createInterface({ input: process.stdin })) {
  obey(JSON.parse(line) as Order);
  answer({ round });
}
// The input has ended: so do we, in an orderly way, so that a profile is written.
process.exit(0);
