import { describe, expect, test } from "vitest";
import { belay } from "./terminal.ts";

/** Nobody answers there: what is refused was refused without asking. */
const NOWHERE = "http://127.0.0.1:1";

describe("bad flags are exit 2, before the server is asked", () => {
  const cases: readonly [line: string, says: string][] = [
    ["", "Usage: belay"],
    ["sihft reviews v2=5%", "Did you mean shift?"],
    ["--sevrer x fleet", "Did you mean --server?"],
    ["fleet --refsued", "Did you mean --refused?"],
    ["fleet -o yaml", "Allowed choices are text, json"],
    ["fleet extra", "too many arguments"],
    ["fleet --not-on x", "a revision is a number"],
    ["apply --reason r --yes", "--file"],
    ["apply -f /nowhere/mesh.yaml --reason r --yes", "/nowhere/mesh.yaml: it cannot be read: there is no such file"],
    ["apply -f / --reason r --yes", "it is a folder"],
    ["apply -f x --stages 5%:10m --reason r --yes", "staged plans come in a later version"],
    ["shift", "missing required argument 'service'"],
    ["shift reviews --reason r --yes", "say which version gets what share"],
    ["shift reviews 5% --reason r --yes", "is not VERSION=SHARE"],
    ["shift reviews v2=5 --reason r --yes", "write 5%"],
    ["shift reviews v2=0.001% --reason r --yes", "the smallest step is 0.01%"],
    ["shift reviews v2=-5% --reason r --yes", "is not a share of traffic"],
    ["shift reviews v2= --reason r --yes", "is not a share of traffic"],
    ["shift reviews v2=5% v2=6% --reason r --yes", "v2 is given twice"],
    ["shift reviews v1=60% v2=60% --reason r --yes", "more than the whole traffic"],
    ["shift reviews --from v1 --to v2 --steps 1%:10m,100% --reason r --yes", "come in a later version"],
    ["rollback --to latest --reason r --yes", "a revision is a number"],
    ["rollback --to 1 --last-known-good --reason r --yes", "not both"],
    ["rollback --scope zone=eu --reason r --yes", "--scope comes in a later version"],
    ["rollout pause ro-1", "unknown command 'pause'"],
    ["rollout", "Usage: belay rollout"],
    ["freeze list", "unknown command 'freeze'"],
    ["revision diff one two", "is not the number of a revision"],
    ["revision get", "missing required argument"],
    ["journal tail -n many", "a number from 0 to 1000"],
    ["wait ro-1 --for known-good", "what there is: done"],
    ["wait ro-1 --timeout soon", "write a duration"],
    ["lab --envoys 0", "a number from 1 to 20"],
    ["lab --envoys two", "a number from 1 to 20"],
    ["serve --xds 18000", "--xds 18000: write HOST:PORT"],
    ["serve --http 127.0.0.1:99999", "write HOST:PORT or unix:PATH"],
    ["serve --store etcd:127.0.0.1:2379", "etcd comes in a later version"],
    ["serve --store redis:x", "write sqlite:DIR"],
    ["serve --mesh /nowhere.yaml", "/nowhere.yaml: it cannot be read: there is no such file"],
    ["serve --data=", "--data is empty"],
    ["bootstrap --node a --cluster c --xds 127.0.0.1:0", "--xds 127.0.0.1:0: write HOST:PORT"],
    ["serve --prot 1", "unknown option"],
    ["bootstrap --node a", "--cluster"],
    ["bootstrap --node a --cluster c --label x", "write KEY=VALUE"],
    ["bootstrap --node a --cluster c --label x=1 --label x=2", "given twice"],
    ["bootstrap --node a --cluster c --xds nope", "--xds nope: write HOST:PORT"],
    ["bootstrap --node a --cluster c --tls yes", "--tls yes: write ca=FILE"],
    ["bootstrap --node a --cluster c --tls sni=x", "without a CA"],
    ["bootstrap --node a --cluster c --tls ca=a,ca=b", "ca is given twice"],
    ["bootstrap --node a --cluster c --tls ca=a,cert=b", "cert and key belong together"],
    ["serve --xds-cert a.pem", "needs both --xds-cert and --xds-key"],
    ["serve --xds-client-ca a.pem", "needs both --xds-cert and --xds-key"],
    ["serve --xds-cert a --xds-key b --xds-bind id", "--xds-bind needs --xds-client-ca"],
    ["serve --xds-cert a --xds-key b --xds-observers tool", "--xds-observers needs --xds-client-ca"],
    ["serve --xds-cert a --xds-key b --xds-client-ca c --xds-bind name", "--xds-bind name: write id or cluster"],
    ["serve --xds-cert /nowhere.pem --xds-key package.json", "--xds-cert /nowhere.pem: it cannot be read"],
    ["serve --xds-cert package.json --xds-key package.json", "--xds-cert package.json: there is no certificate in it"],
    ["--server ftp://x fleet", "is not the address of a control plane"],
    ["--server http://x/path fleet", "is not the address of a control plane"],
    ["--server unix: fleet", "is not the address of a control plane"],
  ];
  test.each(cases)("belay %s", async (line, says) => {
    const { exit, stdout, stderr } = await belay(
      NOWHERE,
      line.split(" ").filter((word) => word !== ""),
    );
    expect(stderr).toContain(says);
    expect([exit, stdout]).toEqual([2, ""]);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

test("with -o json a bad command line is one document too", async () => {
  for (const argv of [
    ["sihft", "-o", "json"],
    ["--output=json", "shift"],
    ["journal", "tail", "--follow", "-o", "json"],
    ["shift", "reviews", "v2=5", "--reason", "r", "--yes", "-ojson"],
  ]) {
    const { exit, json } = await belay(NOWHERE, argv);
    expect([exit, json]).toEqual([2, { error: { code: "usage", message: expect.any(String) } }]);
  }
});

test.each([["--help"], ["help"], ["help", "shift"], ["shift", "--help"], ["--version"], ["rollout", "--help"]])(
  "%s %s is exit 0 on standard output",
  async (...argv) => {
    const { exit, stdout, stderr } = await belay(NOWHERE, argv);
    expect([exit, stderr]).toEqual([0, ""]);
    expect(stdout.length).toBeGreaterThan(5);
  },
);

test("help names no command and no flag that does nothing yet", async () => {
  const { stdout } = await belay(NOWHERE, ["--help"]);
  expect(stdout).not.toMatch(/freeze|import|explain|xds watch|gameday/);
  const shift = await belay(NOWHERE, ["shift", "--help"]);
  expect(shift.stdout).not.toMatch(/--steps|--from/);
});
