import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { createClient } from "../../src/cli/client.ts";
import { CONTROL_ERROR_CODES, ControlError, type ControlErrorCode } from "../../src/core/failure/control-error.ts";
import { failed } from "../../src/http/answer.ts";

const page = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
const rows = page
  .split("\n")
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .filter((cells) => /^`[a-z-]+`$/.test(cells[1] ?? ""))
  .map((cells) => ({ code: (cells[1] ?? "").replaceAll("`", ""), status: cells[2], exit: cells[3], remedy: cells[5] }));

describe("docs/errors.md", () => {
  test("lists every code of the source, and no other, in its order", () => {
    expect(rows.map((row) => row.code)).toEqual([...CONTROL_ERROR_CODES]);
  });

  test("gives each code the status that the HTTP edge answers with", () => {
    for (const code of CONTROL_ERROR_CODES) {
      const row = rows.find((candidate) => candidate.code === code);
      expect(Number(row?.status)).toBe(failed(new ControlError(code, "")).status);
    }
  });

  test("gives each code the exit code that the command line makes of such an answer", async () => {
    const server = createServer((request, response) => {
      const answer = failed(new ControlError(request.url?.slice(1) as ControlErrorCode, "planted"));
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      void answer.text().then((body) => response.end(body));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = createClient(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      for (const code of CONTROL_ERROR_CODES) {
        const exit = Number(rows.find((row) => row.code === code)?.exit);
        await expect(client.get(`/${code}`)).rejects.toMatchObject({ exit });
      }
    } finally {
      client.close();
      server.close();
    }
  });

  test("says for each what to do", () => {
    for (const { remedy } of rows) expect(remedy?.length).toBeGreaterThan(10);
  });
});
