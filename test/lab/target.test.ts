import { constants, createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { http2Target, type Target } from "../../src/lab/target.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

/** A server in this process that does this with each request, by its number from 1, and a target for it. */
async function serverThat(does: (stream: ServerHttp2Stream, turn: number) => void): Promise<Target> {
  let turn = 0;
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    turn += 1;
    does(stream, turn);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const target = http2Target("one", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  closers.push(
    () => server.close(),
    () => target.close(),
  );
  return target;
}

const answer = (stream: ServerHttp2Stream): void => {
  stream.respond({ ":status": 200 });
  stream.end();
};

/** As a server that is being drained does to what has only just come. */
const giveUp = (stream: ServerHttp2Stream): void => {
  stream.session?.goaway(constants.NGHTTP2_NO_ERROR);
  stream.close(constants.NGHTTP2_REFUSED_STREAM);
};

const ask = (target: Target): Promise<number> => target.request("/", { timeoutMs: 5_000 }).then(({ status }) => status);

describe("an HTTP/2 target", () => {
  test("asks again on a new connection what was refused because the old one was given up (GOAWAY)", async () => {
    const target = await serverThat((stream, turn) => {
      if (turn > 1) answer(stream);
      else giveUp(stream);
    });
    expect(await ask(target)).toBe(200);
  });

  test("has failed where a request is refused on a connection that stays", async () => {
    const target = await serverThat((stream, turn) => {
      if (turn > 1) answer(stream);
      else stream.close(constants.NGHTTP2_REFUSED_STREAM);
    });
    await expect(ask(target)).rejects.toThrow("NGHTTP2_REFUSED_STREAM");
    expect(await ask(target)).toBe(200);
  });

  test("has failed where every connection is given up", async () => {
    const target = await serverThat(giveUp);
    await expect(ask(target)).rejects.toThrow("NGHTTP2_REFUSED_STREAM");
  });
});
