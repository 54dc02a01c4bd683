import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { freeAddress } from "../../src/lab/addresses.ts";
import { findEnvoy } from "../../src/proxy/find-envoy.ts";
import { familyOf, gone, type Process } from "../proxy/processes.ts";
import { ROOT, type Running, startBelay, startOnTerminal } from "./lab-process.ts";

const envoy = await findEnvoy();
/** Where no Envoy is, what these tests say is said of the built-in client, by the last of them. */
const WITHOUT_ENVOY = { ENVOY_BIN: "/bin/false" };

const running: Running[] = [];
const servers: Server[] = [];
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill("SIGKILL");
    await ended;
  }
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

function lab(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Running {
  const started = startBelay(["lab", ...args], env);
  running.push(started);
  return started;
}

/** The tour's control plane is away for a while: at the usual addresses another lab on this machine might step in. */
async function ownAddresses(): Promise<string[]> {
  return ["--http", await freeAddress(), "--xds", await freeAddress()];
}

/** Takes a port, or finds after a while that somebody else goes on having it: taken it is either way. */
async function occupy(port: number): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const server = createServer();
    const listening = once(server, "listening");
    server.listen(port, "127.0.0.1");
    if (await listening.then(() => true).catch(() => pause(100, false))) {
      servers.push(server);
      return;
    }
  }
}

/** Where a lab writes, by the flags of its control plane. */
const folderOf = (family: readonly Process[]): string =>
  /--data (\S+)\/data/.exec(family.map(({ command }) => command).join("\n"))?.[1] ?? "";
const visible = (text: string): string => text.replaceAll("\u001B", "ESC");
const commandsIn = (text: string): string[] => text.split("\n").filter((line) => line.startsWith("bin/belay "));

describe.skipIf("missing" in envoy)("belay lab", () => {
  test("says where to look and what to try, and each of it works", async () => {
    const { prints, stdout, child, ended, pid } = lab();
    const [, page] = await prints(/^Status page (\S+)$/m);
    expect((await fetch(String(page))).status).toBe(200);
    await prints(/reviews v1 100\.0 % \(wanted 100 %\), v2 0\.0 % .* 0 failed {2}edge-1 r1 IN_SYNC, edge-2 r1 IN_SYNC/);
    const commands = commandsIn(stdout());
    expect(commands.map((line) => line.split(" ")[1])).toEqual(["shift", "fleet", "rollback"]);
    const [shift = "", fleet = "", rollback = ""] = commands;
    execFileSync("sh", ["-c", shift], { cwd: ROOT, stdio: "pipe" });
    expect(execFileSync("sh", ["-c", fleet], { cwd: ROOT, encoding: "utf8" })).toMatch(/edge-1[^\n]*\n[^]*edge-2/);
    await prints(/v2 \d\.\d % \(wanted 5 %\)/);
    execFileSync("sh", ["-c", rollback], { cwd: ROOT, stdio: "pipe" });
    await prints(/wanted 5 %[^]*\(wanted 100 %\), v2/);
    const family = familyOf(pid);
    child.kill("SIGINT");
    expect(await ended).toBe(0);
    expect(stdout()).toMatch(/requests in \d:\d\d, 0 failed\.\n$/);
    await gone(family.map((member) => member.pid));
  });

  test("with its usual ports taken goes elsewhere and says so in each command", async () => {
    await Promise.all([occupy(7070), occupy(18_000)]);
    const { prints, stdout, child, ended } = lab(["--envoys", "1"]);
    const [, page = ""] = await prints(/^Status page (\S+)\/$/m);
    expect(page).not.toBe("http://127.0.0.1:7070");
    expect(commandsIn(stdout())).toHaveLength(3);
    expect(commandsIn(stdout()).every((line) => line.endsWith(` --server ${page}`))).toBe(true);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  test("killed with -9 leaves no Envoy and no control plane behind", async () => {
    const { prints, child, ended, pid } = lab(["--envoys", "1"]);
    await prints(/edge-1 r1 IN_SYNC/);
    const family = familyOf(pid);
    expect(family.map(({ command }) => command).join("\n")).toMatch(
      /envoy -c [^]*belay serve|belay serve [^]*envoy -c/,
    );
    child.kill("SIGKILL");
    await ended;
    await gone(family.map((member) => member.pid));
    await rm(folderOf(family), { recursive: true });
  });

  test("stopped while it starts ends as well, and takes its folder with it", async () => {
    const { child, ended, pid, stderr } = lab();
    await expect
      .poll(() => familyOf(pid).some(({ command }) => command.includes("belay serve")), { timeout: 20_000 })
      .toBe(true);
    const family = familyOf(pid);
    const folder = folderOf(family);
    expect(existsSync(folder)).toBe(true);
    child.kill("SIGINT");
    expect(await ended).toBe(0);
    await gone(family.map((member) => member.pid));
    expect(existsSync(folder)).toBe(false);
    expect(stderr()).not.toMatch(/Error|at file:/);
  });

  test("on a terminal draws 80 by 24, and Ctrl-C gives the terminal back", async () => {
    const started = startOnTerminal(["lab"], { NO_COLOR: "1" });
    running.push(started);
    await started.prints(/edge-2 +r1 +[\w-]{8} +IN_SYNC/);
    await started.prints(/v1 +100 % +100 % +100\.0 %/);
    expect(started.stdout()).toContain("Nothing is moving. reviews: v1 100 %, v2 0 %.");
    expect(started.stdout()).toContain('bin/belay shift reviews v2=5% --reason "try it" --yes');
    // Nothing but cursor movements: no colour was asked for.
    expect(visible(started.stdout())).not.toMatch(/ESC\[\d+m/);
    started.child.stdin?.write("\u0003");
    expect(await started.ended).toBe(0);
    expect(visible(started.stdout())).toMatch(/ESC\[\?25hESC\[\?1049l[\d,]+ requests in \d:\d\d, 0 failed\.\r\n$/);
  });
});

test("an address that is none is a usage error, before anything is started", async () => {
  const { ended, stderr } = lab(["--http", "7070"]);
  expect(await ended).toBe(2);
  expect(stderr()).toBe("--http 7070: write HOST:PORT, for example 127.0.0.1:7070\n");
});

describe.skipIf("missing" in envoy)("belay lab --tour", () => {
  test("plays the whole story in under a minute without a failed request", async () => {
    const begun = performance.now();
    const { ended, stdout, stderr, pid, prints } = lab(["--tour", ...(await ownAddresses())]);
    await prints(/^5\. /m, 60_000);
    const family = familyOf(pid);
    expect(await ended, `${stdout()}\n${stderr()}`).toBe(0);
    expect(performance.now() - begun).toBeLessThan(60_000);
    checkTable(stdout());
    expect(stdout()).toContain("it reached 1 of 2 and was taken back");
    expect(stdout()).toContain("no Envoy applied anything again after the restart");
    await gone(family.map((member) => member.pid));
  });
});

describe("where no Envoy can be had", () => {
  test("the tour goes on with a built-in client and says so", async () => {
    const { ended, stdout, stderr } = lab(["--tour", ...(await ownAddresses())], WITHOUT_ENVOY);
    expect(await ended, `${stdout()}\n${stderr()}`).toBe(0);
    expect(stderr()).toMatch(/^Going on without a real Envoy \(ENVOY_BIN is \/bin\/false/);
    checkTable(stdout());
  });
});

/** The table has the columns `step` and `failed`, and nothing failed in any step. */
function checkTable(text: string): void {
  const lines = text.split("\n");
  const head = lines.findIndex((line) => /^step\s.*\bfailed\b/.test(line));
  const rows = lines.slice(head + 1, lines.indexOf("", head));
  const end = (lines[head] ?? "").indexOf("failed") + "failed".length;
  expect(rows).toHaveLength(6);
  expect(rows.map((row) => row.slice(0, end).trim().split(/\s+/).at(-1))).toEqual(rows.map(() => "0"));
}
