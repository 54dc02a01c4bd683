import type { ListenOptions } from "node:net";

/**
 * `HOST:PORT` or `[IPv6]:PORT` as node:net wants it.
 *
 * @throws Error with what is wrong
 */
export function listenAddress(address: string): ListenOptions {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535) throw new Error("it is not HOST:PORT");
  return { host, port };
}
