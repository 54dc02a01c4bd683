import type { EventObject, Page, StatusObject } from "../../http/contract.ts";
import { releaseVersion } from "../../http/release.ts";
import { EXIT } from "../failure.ts";
import { printable } from "../printable.ts";
import type { Session } from "../session.ts";

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
}

const CLOCK_TOLERANCE_MS = 5_000;
const DAY_MS = 86_400_000;
/** Whatever renews certificates has failed for a while by then. */
const RENEW_DAYS = 7;

/** `belay doctor`: is this control plane sound? Exit 1 where something is not. */
export async function doctor(session: Session): Promise<number> {
  const client = session.client();
  const before = Date.now();
  const ready = await client.send("GET", "/readyz");
  const status = await client.get<StatusObject>("/v1/status");
  const checks = [
    { name: "ready", ok: ready.status === 200, text: status.why ?? "its state is loaded and Envoys are served" },
    await journalCheck(session, status),
    versionCheck(status),
    clockCheck(String(ready.headers.date ?? ""), before),
    certificateCheck(status, before),
    streamsCheck(status),
    refusalCheck(status),
    rolloutCheck(status),
  ];
  const ok = checks.every((check) => check.ok);
  const lines = checks.map(
    (check) =>
      `${check.ok ? session.tint("good", "ok   ") : session.tint("bad", "WRONG")}  ${check.name}: ${printable(check.text)}`,
  );
  session.result({ ok, checks }, `${lines.join("\n")}\n`);
  return ok ? EXIT.done : EXIT.failed;
}

async function journalCheck(session: Session, { seq }: StatusObject): Promise<Check> {
  if (seq === 0) return { name: "journal", ok: true, text: "it is empty" };
  const { items } = await session.client().get<Page<EventObject>>(`/v1/journal?after=${seq - 1}&limit=1`);
  const last = items[0];
  const ok = last?.seq === seq;
  return { name: "journal", ok, text: ok ? `${seq} events, the last at ${last.at}` : `event ${seq} cannot be read` };
}

function versionCheck({ belay, envoyApi }: StatusObject): Check {
  const mine = releaseVersion();
  const text = `control plane ${belay}, command line ${mine}, Envoy's API of ${envoyApi}`;
  return { name: "versions", ok: belay === mine, text: belay === mine ? text : `${text}: they should be the same` };
}

function clockCheck(date: string, now: number): Check {
  const there = Date.parse(date);
  if (Number.isNaN(there)) return { name: "clock", ok: true, text: "the control plane does not say its time" };
  const apart = Math.abs(now - there);
  const ok = apart <= CLOCK_TOLERANCE_MS;
  return {
    name: "clock",
    ok,
    text: ok ? "within 5 s of this machine's" : `${Math.round(apart / 1000)} s from this machine's`,
  };
}

function certificateCheck({ xdsCertificate }: StatusObject, now: number): Check {
  const name = "certificate";
  if (xdsCertificate === undefined) return { name, ok: true, text: "none: xDS is served in plain text" };
  const { notAfter } = xdsCertificate;
  const left = Date.parse(notAfter) - now;
  if (left <= 0) return { name, ok: false, text: `it ran out at ${notAfter}: no Envoy that reconnects trusts it` };
  const days = Math.floor(left / DAY_MS);
  return { name, ok: days >= RENEW_DAYS, text: `that of xDS runs out in ${days} days, at ${notAfter}` };
}

function streamsCheck({ nodes, revision }: StatusObject): Check {
  const { connected, inSync, stale, unmatched, lost } = nodes;
  const rest = [
    stale > 0 ? `${stale} yet to acknowledge` : "",
    unmatched > 0 ? `${unmatched} selected by nothing` : "",
    lost > 0 ? `${lost} away` : "",
  ];
  const text = [`${connected} connected, ${inSync} in sync`, ...rest.filter((part) => part !== "")].join(", ");
  return { name: "streams", ok: unmatched === 0 || revision.live === null, text };
}

function refusalCheck({ nodes }: StatusObject): Check {
  const ok = nodes.refused === 0;
  return {
    name: "refusals",
    ok,
    text: ok ? "none" : `${nodes.refused} refused what was sent; belay fleet --refused`,
  };
}

function rolloutCheck({ rollouts }: StatusObject): Check {
  const text = rollouts.length === 0 ? "nothing is moving" : `${rollouts.join(", ")} has not ended; belay rollout get`;
  return { name: "rollouts", ok: true, text };
}
