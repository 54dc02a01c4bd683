// @ts-check
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { must, ROOT, step } from "./steps.mjs";

const OLDEST_NODE = { major: 20, minor: 19 };

/** Says what to do where Node is too old, before anything is installed with it. */
export function nodeProblem(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const enough = major > OLDEST_NODE.major || (major === OLDEST_NODE.major && minor >= OLDEST_NODE.minor);
  return enough
    ? undefined
    : `Belay needs Node ${OLDEST_NODE.major}.${OLDEST_NODE.minor} or newer; this is ${version}.`;
}

/** Installs what package-lock.json says, development packages included, where node_modules says otherwise. */
export async function installPackages(root = ROOT) {
  if (packagesAreInstalled(root)) return;
  // npm tells its children where it is; outside of npm it is on the path.
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith(".js") ? [process.execPath, [npm]] : ["npm", []];
  await step("Installing packages (npm ci)", () =>
    // No dependency may need a script of its own to be installed, so none is run.
    must(command, [...first, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: root,
      // Whoever runs this with NODE_ENV=production still needs the compiler.
      env: { ...process.env, NODE_ENV: "development", npm_config_omit: "", npm_config_production: undefined },
    }),
  );
}

/**
 * Is every package of package-lock.json there in its version? npm writes what it has installed when it is done, so an
 * interrupted installation counts as none.
 *
 * @param {string} root
 */
export function packagesAreInstalled(root) {
  const wanted = readLock(join(root, "package-lock.json"));
  const present = readLock(join(root, "node_modules", ".package-lock.json"));
  if (wanted === undefined || present === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "") return true;
    const found = present[path];
    // Packages of other platforms are left out by npm.
    return found === undefined ? entry.optional === true : found.version === entry.version;
  });
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, optional?: boolean }> | undefined}
 */
function readLock(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch {
    return undefined;
  }
}
