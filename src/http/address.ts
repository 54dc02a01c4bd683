import { ControlError } from "../core/failure/control-error.ts";

/** Where to listen: a TCP address, or a socket file that only its owner may open. */
export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/**
 * Reads `127.0.0.1:7070`, `[::1]:7070`, `localhost:0` or `unix:/run/belay.sock`.
 *
 * @throws ControlError `invalid`
 */
export function readAddress(text: string): Address {
  if (text.startsWith("unix:") && text.length > "unix:".length)
    return { kind: "unix", path: text.slice("unix:".length) };
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new ControlError(
      "invalid",
      `"${text}" is not an address to listen on; write 127.0.0.1:7070 or unix:/run/belay.sock`,
    );
  }
  return { kind: "tcp", host: match[1] ?? match[2] ?? "", port };
}

/** Does only this machine reach it? */
export function isLoopbackAddress(address: string): boolean {
  return /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|::ffff:127\..*)$/i.test(address);
}
