import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { deflateSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Call, CallHandler, Method } from "../../src/grpc/call.ts";
import { framed } from "../../src/grpc/framing.ts";
import type { GrpcListener } from "../../src/grpc/grpc-server.ts";
import { listenGrpc } from "../../src/grpc/grpc-server.ts";
import { frame, RawClient } from "./raw-call.ts";

const MAX = 1 << 20;
const LONG_LIMIT_MS = 60_000;

let listener: GrpcListener;
let clients: RawClient[];
let warnings: string[];
let calls: Call[];
let closed: number;

/** Says everything back; `end CODE TEXT` ends the call so, `throw` is a defect. */
const echo: Method = (call): CallHandler => {
  calls.push(call);
  return {
    onMessage: (bytes) => {
      const text = bytes.toString();
      const [, code, message] = /^end (\d+) (.*)$/s.exec(text) ?? [];
      if (text === "throw") throw new TypeError("a defect");
      if (code === undefined || message === undefined) call.send(framed(bytes));
      else call.end({ code: Number(code), message });
    },
    onHalfClosed: () => call.end({ code: 0, message: "" }),
    onClosed: () => {
      closed += 1;
    },
  };
};

async function listen(keepaliveMs = 60_000): Promise<void> {
  listener = await listenGrpc(
    { host: "127.0.0.1", port: 0 },
    {
      routes: new Map([["/t.Echo/Echo", echo]]),
      onWarning: (message) => warnings.push(message),
      maxReceiveBytes: MAX,
      keepaliveMs,
    },
  );
}

beforeEach(async () => {
  clients = [];
  warnings = [];
  calls = [];
  closed = 0;
  await listen();
});

afterEach(async () => {
  for (const client of clients) client.close();
  await listener.close(100);
});

function client(): RawClient {
  const made = new RawClient(listener.port);
  clients.push(made);
  return made;
}

const open = (headers: Readonly<Record<string, string>> = {}) => client().call("/t.Echo/Echo", headers);

/** What another client gets, after whatever was done to the server. */
async function stillServes(): Promise<void> {
  const call = open();
  call.write(frame("here"));
  call.stream.end();
  expect(await call.ended).toMatchObject({ status: "0", messages: [Buffer.from("here")] });
}

describe("messages", () => {
  test("arrive whole, however they are cut up, and in order", async () => {
    const call = open();
    const bytes = Buffer.concat([frame("one"), frame(""), frame("x".repeat(70_000)), frame("four")]);
    for (let at = 0; at < bytes.length; at += 7_001) {
      call.write(bytes.subarray(at, at + 7_001));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const received = await call.received(4);
    expect(received.map(String)).toEqual(["one", "", "x".repeat(70_000), "four"]);
    call.stream.end();
    expect((await call.ended).status).toBe("0");
    expect(closed).toBe(1);
  });

  test("one byte at a time", async () => {
    const call = open();
    for (const byte of frame("slow")) {
      call.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await call.received(1)).map(String)).toEqual(["slow"]);
  });

  test.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ] as const)("in %s are read, before and behind others, in order", async (encoding, pack) => {
    const call = open({ "grpc-encoding": encoding });
    call.write(frame("a"), frame(pack("b"), 1), frame("c"), frame(pack("d"), 1));
    call.stream.end();
    expect((await call.ended).messages.map(String)).toEqual(["a", "b", "c", "d"]);
  });

  test("say what may be compressed", async () => {
    const call = open();
    call.write(frame("a"));
    call.stream.end();
    expect((await call.ended).headers["grpc-accept-encoding"]).toBe("identity,gzip,deflate");
  });
});

describe("a client's mistakes end its call with the status that gRPC has for them", () => {
  test.each([
    ["a message longer than the limit", [Buffer.from([0, 0, 0x10, 0, 1])], {}, "8"],
    [
      "one that is longer once decompressed",
      [frame(gzipSync(Buffer.alloc(MAX + 1)), 1)],
      { "grpc-encoding": "gzip" },
      "8",
    ],
    ["a flag that is none", [frame("x", 2)], {}, "13"],
    ["a compressed message without an encoding", [frame("x", 1)], {}, "13"],
    ["a compressed message that is none", [frame("x", 1)], { "grpc-encoding": "gzip" }, "13"],
    ["an unknown encoding", [frame("x")], { "grpc-encoding": "br" }, "12"],
    ["an encoding with the name of something else", [frame("x")], { "grpc-encoding": "constructor" }, "12"],
    ["a time limit that is none", [frame("x")], { "grpc-timeout": "soon" }, "13"],
  ] as const)("%s", async (_, parts, headers, status) => {
    const call = open(headers);
    call.write(...parts);
    expect(await call.ended).toMatchObject({ status, reset: 0, messages: [] });
    expect(warnings).toEqual([]);
    await stillServes();
  });

  test("a message that stops in the middle", async () => {
    const call = open();
    call.write(frame("whole"), frame("half").subarray(0, 7));
    call.stream.end();
    expect(await call.ended).toMatchObject({ status: "13", messages: [Buffer.from("whole")] });
  });

  test("an unknown method is UNIMPLEMENTED", async () => {
    const call = client().call("/t.Echo/Other");
    expect(await call.ended).toMatchObject({ status: "12", reset: 0 });
  });

  test("what is not gRPC is answered in HTTP", async () => {
    const page = client().session.request({ ":method": "GET", ":path": "/" });
    const [headers] = await once(page, "response");
    expect(headers[":status"]).toBe(405);
    page.close();
    const json = client().call("/t.Echo/Echo", { "content-type": "application/json" });
    expect((await json.ended).headers[":status"]).toBe(415);
  });
});

describe("a call", () => {
  test("ends with a status and its text, percent-encoded", async () => {
    const call = open();
    call.write(frame("end 3 50 % of “it”\nis wrong"));
    expect(await call.ended).toMatchObject({
      status: "3",
      message: "50 %25 of %E2%80%9Cit%E2%80%9D%0Ais wrong",
      reset: 0,
    });
  });

  test("delivers what was sent before it ended", async () => {
    const call = open();
    call.write(frame("first"), frame("end 14 later"));
    expect(await call.ended).toMatchObject({ status: "14", messages: [Buffer.from("first")] });
  });

  test("ends when its client's time is over", async () => {
    const call = open({ "grpc-timeout": "50m" });
    call.write(frame("in time"));
    expect(await call.ended).toMatchObject({ status: "4", messages: [Buffer.from("in time")] });
    expect(closed).toBe(1);
  });

  test("that meets a defect is INTERNAL, with a warning, and nobody else notices", async () => {
    const call = open();
    call.write(frame("throw"));
    expect(await call.ended).toMatchObject({ status: "13" });
    expect(warnings).toEqual([expect.stringContaining("a defect")]);
    await stillServes();
  });

  test("given up by its client is told once, and takes no further messages", async () => {
    const call = open();
    call.write(frame("a"));
    await call.received(1);
    call.stream.close(8);
    await call.ended;
    await expect.poll(() => closed).toBe(1);
    const [served] = calls;
    let done = false;
    served?.send(framed(Buffer.from("too late")), () => {
      done = true;
    });
    expect(done).toBe(true);
    expect(served?.open).toBe(false);
  });

  test("is told when its message could not be written any more", async () => {
    const call = open();
    call.write(frame("a"));
    await call.received(1);
    call.stream.pause();
    const written = new Promise<void>((resolve) => calls[0]?.send(framed(Buffer.alloc(8 << 20)), resolve));
    call.stream.close(8);
    await written;
  });
});

describe("the server", () => {
  test("survives connections that are not HTTP/2, or break off", async () => {
    for (const bytes of [
      "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
      "\0\0\0",
      `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\xff".repeat(64)}`,
    ]) {
      const socket = connectTcp(listener.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.resume();
      socket.write(bytes, "latin1");
      if (bytes.startsWith("\0")) setImmediate(() => socket.resetAndDestroy());
      await new Promise((resolve) => socket.once("close", resolve));
    }
    await stillServes();
  });

  test("keeps a connection whose calls were wrong", async () => {
    const one = client();
    for (let index = 0; index < 300; index += 1) {
      const call = one.call("/t.Echo/Echo");
      call.write(frame("x", 7));
      expect((await call.ended).status).toBe("13");
    }
    const call = one.call("/t.Echo/Echo");
    call.write(frame("well"));
    expect((await call.received(1)).map(String)).toEqual(["well"]);
  });

  test("takes thousands of streams on one connection", async () => {
    const one = client();
    const many = Array.from({ length: 2_000 }, () => one.call("/t.Echo/Echo").write(frame("x")));
    for (const call of many) expect((await call.received(1)).map(String)).toEqual(["x"]);
    for (const call of many) call.stream.close(8);
    await expect.poll(() => closed).toBe(2_000);
  });

  test("takes long headers", async () => {
    const call = open({
      authorization: "x".repeat(12_000),
      ...Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`x-${n}`, "y"])),
    });
    call.write(frame("a"));
    expect((await call.received(1)).map(String)).toEqual(["a"]);
  });

  test(
    "holds a bounded amount of what is begun and never finished",
    async () => {
      const calls = Array.from({ length: 12 }, () => open());
      const begun = Buffer.concat([Buffer.from([0, 0, 0x0f, 0xff, 0xff]), Buffer.alloc(0.9 * MAX)]);
      for (const call of calls) call.write(begun.subarray(0, 600_000)).write(begun.subarray(600_000));
      const first = await Promise.race(calls.map((call) => call.ended));
      expect(first).toMatchObject({ status: "8", message: expect.stringContaining("unfinished") });
      for (const call of calls) call.stream.close(8);
      await expect.poll(() => closed).toBe(12);
      await stillServes();
    },
    LONG_LIMIT_MS,
  );

  test("cuts a peer that no longer answers, and not one that does", async () => {
    await listener.close(0);
    await listen(200);
    const alive = client();
    const call = alive.call("/t.Echo/Echo").write(frame("a"));
    await call.received(1);
    // A client that has spoken HTTP/2 and then says nothing more, without closing.
    const dead = connectTcp(listener.port, "127.0.0.1");
    dead.write(
      Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]),
    );
    dead.resume();
    await new Promise((resolve) => dead.once("close", resolve));
    call.write(frame("b"));
    expect((await call.received(2)).map(String)).toEqual(["a", "b"]);
  });
});

describe("closing", () => {
  test("ends calls with UNAVAILABLE, then says that the connection goes", async () => {
    const one = client();
    const call = one.call("/t.Echo/Echo").write(frame("a"));
    await call.received(1);
    const goaway = once(one.session, "goaway");
    const done = listener.close(5_000);
    expect(await call.ended).toMatchObject({ status: "14", reset: 0 });
    expect((await goaway)[0]).toBe(0);
    await one.closed;
    await done;
    await listen();
  });

  test("cuts after its time what does not go", async () => {
    const call = open();
    call.write(frame("a"));
    await call.received(1);
    call.stream.pause();
    calls[0]?.send(framed(Buffer.alloc(64 << 20)));
    await listener.close(200);
    expect(closed).toBe(1);
    await listen();
  });

  test("a port that is taken is an error, and can be taken again afterwards", async () => {
    const { port } = listener;
    const again = listenGrpc(
      { host: "127.0.0.1", port },
      { routes: new Map(), onWarning: () => {}, maxReceiveBytes: MAX, keepaliveMs: 1_000 },
    );
    await expect(again).rejects.toThrow("EADDRINUSE");
  });
});
