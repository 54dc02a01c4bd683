import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { sha256 } from "../../../src/control/sha256.ts";
import { versionOf } from "../../../src/core/resource/resource.ts";

describe("the version of content", () => {
  test("is the beginning of its sha-256 in base64url, 132 bits of it", () => {
    for (let n = 0; n < 500; n += 1) {
      const content = `content ${n}`;
      const digest = createHash("sha256").update(content).digest("base64url");
      expect(versionOf(content, sha256)).toBe(digest.slice(0, 22));
    }
  });
});
