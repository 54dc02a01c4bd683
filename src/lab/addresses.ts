import { createServer } from "node:net";

/**
 * Below the range that systems take the ports of outgoing connections from: what ends and comes back on such a port
 * does not find it taken by a connection of somebody else, or of an Envoy that was looking for it.
 */
const FIRST = 20_000;
const COUNT = 12_000;
const ATTEMPTS = 50;

/** `127.0.0.1:PORT`, the preferred port where it is free, else another. */
export async function freeAddress(preferred?: number): Promise<string> {
  if (preferred !== undefined && (await isFree(preferred))) return `127.0.0.1:${preferred}`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (await isFree(port)) return `127.0.0.1:${port}`;
  }
  throw new Error(`none of ${ATTEMPTS} ports of 127.0.0.1 can be listened on`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
