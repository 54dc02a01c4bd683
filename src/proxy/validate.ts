import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** `not-validated` is neither: Envoy could not say, e.g. because it died by a signal. */
export type Validation =
  | { readonly kind: "ok" }
  | { readonly kind: "refused"; readonly error: string }
  | { readonly kind: "not-validated"; readonly why: string };

const TIMEOUT_MS = 60_000;

/**
 * Asks a real Envoy whether it would start with this bootstrap. Only the first error is told, in the words of a NACK.
 * Dynamic resources are not fetched: render them as `static_resources`.
 */
export async function validateWithEnvoy(
  binary: string,
  bootstrap: Readonly<Record<string, unknown>>,
): Promise<Validation> {
  const dir = await mkdtemp(join(tmpdir(), "belay-validate-"));
  try {
    const file = join(dir, "bootstrap.json");
    await writeFile(file, JSON.stringify(bootstrap));
    return await ask(binary, file);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Envoy can print OK and then die by a signal: the exit status counts, not the text. */
function ask(binary: string, file: string): Promise<Validation> {
  const args = ["--mode", "validate", "-c", file, "--concurrency", "1", "--log-level", "critical"];
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, killSignal: "SIGKILL" as const, maxBuffer: 64 * 1024 * 1024 };
    execFile(binary, args, options, (error, _stdout, stderr) => {
      if (error === null) return resolve({ kind: "ok" });
      if (error.killed) return resolve({ kind: "not-validated", why: `no answer within ${TIMEOUT_MS / 1000} s` });
      if (typeof error.signal === "string")
        return resolve({ kind: "not-validated", why: `Envoy died by ${error.signal}` });
      if (error.code !== 1) return resolve({ kind: "not-validated", why: `Envoy ended with ${String(error.code)}` });
      resolve({ kind: "refused", error: refusal(stderr, file) });
    });
  });
}

function refusal(stderr: string, file: string): string {
  const marker = `error initializing configuration '${file}': `;
  const at = stderr.indexOf(marker);
  return (at < 0 ? stderr : stderr.slice(at + marker.length)).trim();
}
