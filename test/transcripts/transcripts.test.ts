import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { replay } from "./replay.ts";

const folder = new URL("./conversations/", import.meta.url);

describe("conversations go as they are written", () => {
  for (const file of readdirSync(folder).sort()) {
    const text = readFileSync(new URL(file, folder), "utf8");
    const title = /^# (.+)$/m.exec(text)?.[1] ?? file;
    test(`${file.replace(".txt", "")}: ${title}`, () => {
      expect(replay(text)).toEqual([]);
    });
  }

  test("a conversation that goes otherwise is reported with its line", () => {
    const text = "stream sotw\nview cluster/a=1\n> cluster\n< cluster a=2";
    expect(replay(text)).toEqual([
      { line: 3, input: "> cluster", expected: ["< cluster a=2"], actual: ["< cluster a=1"] },
    ]);
  });
});
