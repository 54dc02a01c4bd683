import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type BootstrapOptions, bootstrap } from "../../src/envoy/bootstrap.ts";
import { findEnvoy } from "../../src/proxy/find-envoy.ts";
import { authority } from "../wire/certificates.ts";
import { validate } from "./validate.ts";

const envoy = await findEnvoy();
const node = { id: "edge-1", cluster: "edge", labels: { env: "prod", team: "@shop" }, zone: "eu-west-1a" };

const ca = authority("a CA");
const own = ca.issue({ name: "edge-1", dns: ["edge-1"] });
const dir = mkdtempSync(join(tmpdir(), "belay-bootstrap-"));
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};
const client = { cert: file("cert.pem", own.cert), key: file("key.pem", own.key) };
const caFile = file("ca.pem", ca.cert);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const KINDS: readonly [string, BootstrapOptions][] = [
  ["state of the world, to an IPv4 address", { node, xds: { host: "127.0.0.1", port: 18_000 } }],
  ["delta", { node, xds: { host: "127.0.0.1", port: 18_000 }, delta: true }],
  ["with load reports", { node, xds: { host: "127.0.0.1", port: 18_000 }, loadReports: true }],
  ["to an IPv6 address", { node, xds: { host: "::1", port: 18_000 } }],
  ["to a host name", { node: { id: "a", cluster: "b" }, xds: { host: "belay.internal", port: 443 } }],
  ["with an admin interface", { node, xds: { host: "127.0.0.1", port: 1 }, admin: { address: "127.0.0.1", port: 0 } }],
  ["over TLS", { node, xds: { host: "belay.internal", port: 443 }, tls: { ca: caFile } }],
  ["over TLS, to an address", { node, xds: { host: "127.0.0.1", port: 443 }, tls: { ca: caFile, client } }],
  ["over TLS, to a name", { node, xds: { host: "::1", port: 443 }, tls: { ca: caFile, client, sni: "belay.test" } }],
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
