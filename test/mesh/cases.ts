import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A bad file and the lines that are said of it. */
export interface Case {
  readonly title: string;
  readonly text: string;
  readonly says: readonly string[];
}

/** Cases of `bad/NAME.txt`: a title after `===`, the file, and after `>>>` the lines. */
export function casesOf(name: string): Case[] {
  const all = readFileSync(fileURLToPath(new URL(`bad/${name}.txt`, import.meta.url)), "utf8");
  return all
    .split(/^=== /m)
    .slice(1)
    .map((section) => {
      const [head = "", says = ""] = section.split(/^>>>\n/m);
      const end = head.indexOf("\n");
      return {
        title: head.slice(0, end),
        text: head.slice(end + 1),
        says: says.split("\n").filter((line) => line !== ""),
      };
    });
}
