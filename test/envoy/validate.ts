import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FoundEnvoy } from "../../src/proxy/find-envoy.ts";

/** The exit status of `envoy --mode validate`, and everything that it warned of. */
export function validate(envoy: FoundEnvoy, bootstrap: unknown): { status: number | null; warnings: string[] } {
  if ("missing" in envoy) throw new Error(envoy.missing);
  const dir = mkdtempSync(join(tmpdir(), "belay-validate-"));
  try {
    const file = join(dir, "bootstrap.json");
    writeFileSync(file, JSON.stringify(bootstrap));
    const args = ["--mode", "validate", "-c", file, "--concurrency", "1", "--log-level", "warning"];
    const { status, stderr } = spawnSync(envoy.path, args, { encoding: "utf8", timeout: 60_000 });
    return { status, warnings: stderr.split("\n").filter((line) => line !== "") };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
