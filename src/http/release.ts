import { readFileSync } from "node:fs";

/** The version of this Belay, from the package that it was installed as. */
export function releaseVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { version?: unknown };
  return typeof version === "string" ? version : "unknown";
}
