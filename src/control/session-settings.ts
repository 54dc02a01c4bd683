import type { ServingRules } from "../core/xds/round.ts";
import { redactRefusal } from "../envoy/redaction.ts";
import { systemClock } from "./clock.ts";
import type { SessionSettings } from "./sessions.ts";
import { Turns } from "./turns.ts";

/** Tags have three digits to this base. */
const TAG_BASE = 36;
const TAGS = TAG_BASE ** 3;

/**
 * What sessions need at run time: the system's clock, refusals made safe, requests of one turn of the loop answered
 * together, work in slices.
 *
 * @param start any number: a process that is started again makes other tags than before
 */
export function sessionSettings(times: ServingRules, start: number): SessionSettings {
  let streams = start;
  const turns = new Turns();
  return {
    clock: systemClock,
    times,
    defer: (work, isUrgent) => turns.defer(work, isUrgent),
    tag: () => {
      streams = (streams + 1) % TAGS;
      return streams.toString(TAG_BASE).padStart(3, "0");
    },
    redact: redactRefusal,
  };
}
