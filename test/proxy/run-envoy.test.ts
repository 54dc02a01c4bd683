import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseStats } from "../../src/proxy/admin.ts";
import { findEnvoy } from "../../src/proxy/find-envoy.ts";
import { runEnvoy } from "../../src/proxy/run-envoy.ts";
import { validateWithEnvoy } from "../../src/proxy/validate.ts";
import { staticBootstrap } from "../envoy/static-envoy.ts";
import { familyOf, gone } from "./processes.ts";

const envoy = await findEnvoy();
const binary = "missing" in envoy ? "" : envoy.path;
const bootstrap = staticBootstrap({ upstream: "127.0.0.1:9", protocol: "http1" });

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "belay-proxy-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("finding an Envoy", () => {
  test("an ENVOY_BIN that is no Envoy is reported, not passed over", async () => {
    const found = await findEnvoy({ ENVOY_BIN: "/bin/true", PATH: process.env["PATH"] });
    expect(found).toEqual({ missing: expect.stringContaining("ENVOY_BIN is /bin/true") });
  });

  test("without any it says where it looked", async () => {
    expect(await findEnvoy({ PATH: dir }, dir)).toEqual({
      missing: "no Envoy in ENVOY_BIN, on the path, or installed by the build",
    });
  });
});

test("statistics keep numbers beyond 2^53 and texts without their quotes", () => {
  const text = 'a.remaining_cx: 18446744073709551615\ncds.version_text: "1: a"\nb.time: P0(nan,1) P25(nan,1)\n';
  expect(parseStats(text)).toEqual(
    new Map<string, bigint | string>([
      ["a.remaining_cx", 18446744073709551615n],
      ["cds.version_text", "1: a"],
      ["b.time", "P0(nan,1) P25(nan,1)"],
    ]),
  );
});

describe.skipIf("missing" in envoy)("a real Envoy", () => {
  test("starts on ports of its own, answers for itself, and ends when told", async () => {
    const proxy = await runEnvoy({ binary, bootstrap, dir: join(dir, "one") });
    await proxy.ready();
    expect([...(await proxy.listeners()).keys()]).toEqual(["edge"]);
    expect((await proxy.stats("^server\\.live$")).get("server.live")).toBe(1n);
    expect((await proxy.configDump())["configs"]).toBeInstanceOf(Array);
    await proxy.stop();
    expect(await proxy.exited).toBe("exit code 0");
    expect(await proxy.state()).toBe("");
  });

  test("that cannot start is reported with the end of its log", async () => {
    const broken = { ...bootstrap, static_resources: { clusters: [{ name: "x", connect_timeout: "0s" }] } };
    const starting = runEnvoy({ binary, bootstrap: broken, dir: join(dir, "two") });
    await expect(starting).rejects.toThrow(/Envoy ended \(exit code 1\)[\s\S]*value must be greater than 0s/);
  });

  test("judges a bootstrap: ok, or refused in its own words", async () => {
    const missing = { "@type": `${TLS}.UpstreamTlsContext`, common_tls_context: trusting("/nowhere/ca.pem") };
    const cluster = { name: "x", transport_socket: { name: "tls", typed_config: missing } };
    expect(await validateWithEnvoy(binary, bootstrap)).toEqual({ kind: "ok" });
    expect(await validateWithEnvoy(binary, { ...bootstrap, static_resources: { clusters: [cluster] } })).toEqual({
      kind: "refused",
      error: "Invalid path: /nowhere/ca.pem",
    });
  });

  test("that dies while judging has not judged", async () => {
    const script = join(dir, "dies.sh");
    await writeFile(script, '#!/bin/sh\necho "configuration OK"\nkill -SEGV $$\n', { mode: 0o755 });
    expect(await validateWithEnvoy(script, bootstrap)).toEqual({ kind: "not-validated", why: "Envoy died by SIGSEGV" });
  });
});

describe("a child on the leash", () => {
  test.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)("does not outlive a process that ends by %s", async (signal) => {
    const parent = spawn(process.execPath, ["--input-type=module", "-e", PARENT], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, LEASH: fileURLToPath(new URL("../../dist/proxy/leash.js", import.meta.url)) },
    });
    await once(parent.stdout, "data");
    const family = familyOf(parent.pid ?? 0);
    expect(family.map(({ command }) => command)).toEqual(
      expect.arrayContaining(["sleep 600", expect.stringMatching(/^sh -c/)]),
    );
    parent.kill(signal);
    await gone(family.map(({ pid }) => pid));
  });
});

const TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";

function trusting(filename: string): unknown {
  return { validation_context: { trusted_ca: { filename } } };
}

const PARENT = `
  import { spawn } from "node:child_process";
  const { leash } = await import(process.env.LEASH);
  leash(spawn("sleep", ["600"], { stdio: "ignore", detached: true }));
  setInterval(() => {}, 1_000);
  console.log("ready");
`;
