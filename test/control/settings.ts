import { systemClock } from "../../src/control/clock.ts";
import type { SessionSettings } from "../../src/control/sessions.ts";

/** What sessions need in a test: the real clock and loop, and tags that are counted, where nothing else is given. */
export function settingsWith(given: Partial<SessionSettings> = {}): SessionSettings {
  let streams = 0;
  return {
    clock: systemClock,
    times: { graceMs: 1_000, holdMs: 5_000 },
    defer: (work) => void setImmediate(work),
    tag: () => `t${++streams}-`,
    redact: (text) => text,
    ...given,
  };
}
