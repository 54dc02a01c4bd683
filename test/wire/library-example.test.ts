import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { CLUSTER, ENDPOINTS } from "../../src/core/resource/type-url.ts";
import { AdsClient, nodeBytes } from "./ads-client.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/library.mjs", import.meta.url));

test("the library's example serves a client, tells when it is in sync, and sends only what changes", async () => {
  const program = spawn(process.execPath, [EXAMPLE, "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
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
