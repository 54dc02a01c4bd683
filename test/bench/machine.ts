import { cpus, loadavg, release, totalmem, type } from "node:os";
import { findEnvoy } from "../../src/proxy/find-envoy.ts";

const GIB = 1024 ** 3;

/** The machine and its state, one fact a line: a number without them says nothing. */
export async function machineLines(): Promise<readonly string[]> {
  const envoy = await findEnvoy();
  const [first] = cpus();
  return [
    `cpu      ${cpus().length} x ${first?.model.trim() ?? "unknown"}`,
    `memory   ${(totalmem() / GIB).toFixed(1)} GiB`,
    `system   ${type()} ${release()}`,
    `node     ${process.versions.node}`,
    `envoy    ${"missing" in envoy ? `none (${envoy.missing})` : envoy.version}`,
    `load     ${loadavg()
      .map((load) => load.toFixed(2))
      .join(" ")} (1, 5 and 15 minutes, before the first run)`,
  ];
}
