import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createClient } from "../../src/cli/client.ts";

test("a mutation whose connection is cut is sent again once, with the same key, so that it is done once", async () => {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    if (seen.length === 1) request.socket.destroy();
    else response.end('{"id":"ro-1"}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = createClient(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  expect(await client.post("/v1/rollouts", {})).toEqual({ id: "ro-1" });
  const keys = seen.map(({ headers }) => headers["idempotency-key"]);
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(keys).toEqual([keys[0], keys[0]]);
  client.close();
  server.close();
});

test("a server that says nothing is given up on, and is exit 5", async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = createClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const asked = client.get("/v1/status", { patienceMs: 50 });
  await expect(asked).rejects.toMatchObject({ exit: 5, message: expect.stringContaining("no answer for 0.05 s") });
  client.close();
  server.closeAllConnections();
  server.close();
});
