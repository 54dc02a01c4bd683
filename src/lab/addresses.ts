import { createServer } from "node:net";

/** `127.0.0.1:PORT`, the preferred port where it is free, else one that the system chooses. */
export async function freeAddress(preferred = 0): Promise<string> {
  const port = (await tryPort(preferred)) ?? (await tryPort(0));
  if (port === undefined) throw new Error("no port of 127.0.0.1 can be listened on");
  return `127.0.0.1:${port}`;
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : undefined));
    });
  });
}
