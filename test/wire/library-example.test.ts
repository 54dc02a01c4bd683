import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { CLUSTER, ENDPOINTS } from "../../src/core/resource/type-url.ts";
import { AdsClient, nodeBytes } from "./ads-client.ts";

const example = (name: string): string => fileURLToPath(new URL(`../../examples/${name}.mjs`, import.meta.url));

test("the library's example serves a client, tells when it is in sync, and sends only what changes", async () => {
  const program = spawn(process.execPath, [example("library"), "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  const port = /^serving xDS on port (\d+)$/.exec(await next())?.[1];
  const client = new AdsClient(`127.0.0.1:${port}`, "delta");
  client.send({ node: nodeBytes({ id: "edge-1", cluster: "edge" }), typeUrl: CLUSTER });
  const cluster = await client.next();
  expect(await next()).toBe("edge-1 is here, of group edge");
  client.send({ typeUrl: ENDPOINTS, resourceNamesSubscribe: ["hello"] });
  const endpoints = await client.next();
  client.send({ typeUrl: ENDPOINTS, responseNonce: endpoints.nonce });
  client.send({ typeUrl: CLUSTER, responseNonce: cluster.nonce });
  expect(await next()).toBe("edge-1 has its ClusterLoadAssignment");
  expect(await next()).toBe("edge-1 has its Cluster");
  expect(await next()).toBe("in sync: edge-1; refused: 0, pending: 0");
  program.kill("SIGHUP");
  const change = await client.next();
  expect(change.typeUrl).toBe(ENDPOINTS);
  expect(change.resources).toHaveLength(1);
  client.close();
  program.kill("SIGTERM");
  expect(await once(program, "exit")).toEqual([0, null]);
});

test("P09 the example of quarantine goes on with what is good, says what is not, and mends it", async () => {
  const program = spawn(process.execPath, [example("quarantine"), "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  const port = /^serving xDS on port (\d+)$/.exec(await next())?.[1];
  const client = new AdsClient(`127.0.0.1:${port}`, "delta");
  const answer = async (error?: { code: number; message: string }): Promise<unknown[]> => {
    const { nonce, resources } = await client.next();
    client.send({ typeUrl: CLUSTER, responseNonce: nonce, ...(error !== undefined && { errorDetail: error }) });
    return resources.map(({ name }) => name);
  };
  client.send({ node: nodeBytes({ id: "edge-1", cluster: "edge" }), typeUrl: CLUSTER });
  expect(await answer()).toEqual(["cart", "shop"]);
  const words = "Error adding/updating cluster(s) cart: no TLS";
  expect(await answer({ code: 13, message: words })).toEqual(["cart", "shop"]);
  expect(await next()).toBe("edge-1 refused a change of cart, shop");
  expect(await answer()).toEqual(["cart", "shop"]);
  expect(await next()).toBe("refused by edge-1");
  expect(await next()).toBe("cart is quarantined, with its last good content");
  expect(await answer()).toEqual(["cart"]);
  expect(await next()).toBe("mended, and in force on edge-1");
  client.close();
  program.kill("SIGTERM");
  expect(await once(program, "exit")).toEqual([0, null]);
});
