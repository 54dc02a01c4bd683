import { describe, expect, it } from "vitest";
import { testCodec } from "./codec-fixture.ts";

const TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

describe("both spellings of every field are read", () => {
  it("also of messages whose file in the binary has only one", () => {
    const camel = { statPrefix: "db", cluster: "db", idleTimeout: "1s" };
    expect(testCodec().check(TCP_PROXY, camel)).toEqual([]);
    expect(testCodec().check(TCP_PROXY, { stat_prefix: "db", cluster: "db", idle_timeout: "1s" })).toEqual([]);
  });
});
