import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..");

/** Appends as fast as it can and says the number of each append once it has been told that it is on disk. */
const SOURCE = `
import { writeSync } from "node:fs";
import { openSqliteStore } from "./store/sqlite.js";
const opened = await openSqliteStore(process.argv[2], JSON.parse(process.argv[3] ?? "{}"));
if (!("store" in opened)) throw new Error(opened.unusable);
const { store } = opened;
let head = (await store.read(0, 1_000_000)).length;
const payload = (n) => Buffer.alloc(5_000, String(n));
for (;;) {
  const n = head + 1;
  try {
    await store.append(head, "2030-01-01T00:00:00.000Z", [{ type: "nack.repaired", node: "node-" + n, typeUrl: "type" }], [payload(n)]);
  } catch (error) {
    writeSync(1, JSON.stringify({ code: error.code, message: error.message }) + "\\n");
    await store.close();
    process.exit(7);
  }
  head = n;
  writeSync(1, n + "\\n");
}
`;

/** The store, compiled, with a program that writes to it: a process of its own that can be killed. */
export interface Writer {
  start(dir: string, options?: object, shell?: string): ChildProcess;
  remove(): void;
}

export function compileWriter(): Writer {
  // Inside the checkout, so that packages are found.
  const out = mkdtempSync(join(ROOT, "node_modules", ".test-store-"));
  const flags = "--ignoreConfig --module nodenext --target es2023 --lib es2023 --types node --skipLibCheck";
  const more = ["--rewriteRelativeImportExtensions", "--verbatimModuleSyntax", "--rootDir", "src", "--outDir", out];
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  execFileSync(process.execPath, [tsc, ...flags.split(" "), ...more, "src/store/sqlite.ts"], { cwd: ROOT });
  writeFileSync(join(out, "package.json"), '{"type":"module"}');
  writeFileSync(join(out, "writer.js"), SOURCE);
  return {
    start(dir, options = {}, before = "") {
      const args = [join(out, "writer.js"), dir, JSON.stringify(options)];
      const quoted = [process.execPath, ...args].map((part) => `'${part}'`).join(" ");
      return before === ""
        ? spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
        : spawn("bash", ["-c", `${before}; exec ${quoted}`], { stdio: ["ignore", "pipe", "inherit"] });
    },
    remove: () => rmSync(out, { recursive: true, force: true }),
  };
}

/** Lines of a process's standard output, as they come. */
export async function* linesOf(child: ChildProcess): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of child.stdout ?? []) {
    const lines = `${rest}${String(chunk)}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** Ends a process at once, as a loss of power would, and waits until it is gone. */
export async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
