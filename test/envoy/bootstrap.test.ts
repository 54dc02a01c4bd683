import { describe, expect, it } from "vitest";
import { type BootstrapOptions, bootstrap } from "../../src/envoy/bootstrap.ts";
import { findEnvoy } from "../../src/proxy/find-envoy.ts";
import { validate } from "./validate.ts";

const envoy = await findEnvoy();
const node = { id: "edge-1", cluster: "edge", labels: { env: "prod", team: "@shop" }, zone: "eu-west-1a" };

const KINDS: readonly [string, BootstrapOptions][] = [
  ["state of the world, to an IPv4 address", { node, xds: { host: "127.0.0.1", port: 18_000 } }],
  ["delta", { node, xds: { host: "127.0.0.1", port: 18_000 }, delta: true }],
  ["with load reports", { node, xds: { host: "127.0.0.1", port: 18_000 }, loadReports: true }],
  ["to an IPv6 address", { node, xds: { host: "::1", port: 18_000 } }],
  ["to a host name", { node: { id: "a", cluster: "b" }, xds: { host: "belay.internal", port: 443 } }],
  ["with an admin interface", { node, xds: { host: "127.0.0.1", port: 1 }, admin: { address: "127.0.0.1", port: 0 } }],
  [
    "with other bounds of the back-off",
    { node, xds: { host: "127.0.0.1", port: 1 }, retryBaseMs: 1_500, retryMaxMs: 60_000 },
  ],
];

describe.skipIf("missing" in envoy)("a bootstrap is taken by a real Envoy without a warning", () => {
  it.each(KINDS)("%s", (_, options) => {
    expect(validate(envoy, bootstrap(options))).toEqual({ status: 0, warnings: [] });
  });
});
