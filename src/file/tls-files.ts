import { readFile } from "node:fs/promises";
import type { TlsMaterial, TlsProblem } from "../control/tls.ts";
import { runsOutAt, tlsProblem } from "../control/tls.ts";
import { ControlError } from "../core/failure/control-error.ts";

/** Where the parts are, in PEM. */
export interface TlsPaths {
  readonly cert: string;
  readonly key: string;
  readonly clientCa?: string;
}

/** What is to be done about files that change while they are in use. */
export interface TlsWatcher {
  /** They are others than before, and fit. Throws where they cannot be used after all. */
  readonly changed: (material: TlsMaterial) => void;
  /** They are others than before and cannot be used, and why: once for each content. */
  readonly unusable: (why: string) => void;
  /** How often they are looked at, in milliseconds; 1 s. */
  readonly everyMs?: number;
}

/** Files that are watched. */
export interface TlsFiles {
  stop(): void;
  /** When the certificate in use runs out, in milliseconds since the epoch. */
  runsOutAt(): number;
}

const EVERY_MS = 1_000;

/**
 * Reads the files and checks that they fit together.
 *
 * @throws ControlError `invalid` that names the file
 */
export async function readTlsFiles(paths: TlsPaths): Promise<TlsMaterial> {
  const material = await readAll(paths);
  const problem = tlsProblem(material, Date.now());
  if (problem !== undefined) throw unusable(paths, problem);
  return material;
}

/**
 * Looks at the files again and again, by content: whatever way they are exchanged, links included. A pair that is exchanged
 * halfway does not fit, and is tried again.
 *
 * @param current what is in use
 */
export function watchTlsFiles(paths: TlsPaths, current: TlsMaterial, watcher: TlsWatcher): TlsFiles {
  let ends = runsOutAt(current);
  let seen = fingerprintOf(current);
  let told = "";
  let isBusy = false;
  const look = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    try {
      const material = await readAll(paths);
      const content = fingerprintOf(material);
      if (content !== seen) {
        // Marked first: content that cannot be used is not tried, and told of, a second time.
        seen = content;
        const problem = tlsProblem(material, Date.now());
        if (problem !== undefined) throw unusable(paths, problem);
        watcher.changed(material);
        ends = runsOutAt(material);
      }
      told = "";
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why !== told) watcher.unusable(why);
      told = why;
    } finally {
      isBusy = false;
    }
  };
  const timer = setInterval(() => void look(), watcher.everyMs ?? EVERY_MS).unref();
  return { stop: () => clearInterval(timer), runsOutAt: () => ends };
}

async function readAll({ cert, key, clientCa }: TlsPaths): Promise<TlsMaterial> {
  const [certPem, keyPem, caPem] = await Promise.all([
    readPart("cert", cert),
    readPart("key", key),
    clientCa === undefined ? undefined : readPart("clientCa", clientCa),
  ]);
  return { cert: certPem, key: keyPem, ...(caPem === undefined ? {} : { clientCa: caPem }) };
}

const FLAGS: Readonly<Record<TlsProblem["part"], string>> = {
  cert: "--xds-cert",
  key: "--xds-key",
  clientCa: "--xds-client-ca",
};

async function readPart(part: TlsProblem["part"], path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ControlError("invalid", `${FLAGS[part]} ${path}: it cannot be read: ${why}`, { cause: error });
  }
}

function unusable(paths: TlsPaths, { part, message }: TlsProblem): ControlError {
  return new ControlError("invalid", `${FLAGS[part]} ${paths[part]}: ${message}`);
}

function fingerprintOf({ cert, key, clientCa = "" }: TlsMaterial): string {
  return [cert, key, clientCa].join("\0");
}
