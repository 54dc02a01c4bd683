import fc from "fast-check";
import { expect, test } from "vitest";
import type { Admission } from "../../../src/core/xds/admission.ts";
import { admit, giveUp, openAdmission, release } from "../../../src/core/xds/admission.ts";

const LIMITS = { burst: 3, perSecond: 10, waiting: 2 };

/** So many streams that come at one moment. */
function come(admission: Admission, now: number, count: number): { admission: Admission; verdicts: string[] } {
  const verdicts: string[] = [];
  let state = admission;
  for (let n = 0; n < count; n += 1) {
    const asked = admit(state, now, LIMITS);
    state = asked.admission;
    verdicts.push(asked.verdict);
  }
  return { admission: state, verdicts };
}

test("P72 a burst is taken at once, the next ones wait, those beyond are refused", () => {
  const { verdicts } = come(openAdmission(LIMITS, 0), 0, 6);
  expect(verdicts).toEqual(["take", "take", "take", "wait", "wait", "refuse"]);
});

test("P72 who waits is taken at the rate, and nobody passes", () => {
  const { admission } = come(openAdmission(LIMITS, 0), 0, 5);
  const early = release(admission, 50, LIMITS);
  expect([early.count, early.nextMs]).toEqual([0, 50]);
  const first = release(early.admission, 100, LIMITS);
  expect([first.count, first.nextMs]).toEqual([1, 100]);
  const later = admit(first.admission, 1_000, LIMITS);
  expect(later.verdict).toBe("wait");
  const both = release(later.admission, 1_000, LIMITS);
  expect([both.count, both.nextMs]).toEqual([2, undefined]);
  expect(admit(both.admission, 1_000, LIMITS).verdict).toBe("take");
});

test("after quiet a whole burst is taken again, and no more than one", () => {
  const { admission } = come(openAdmission(LIMITS, 0), 0, 3);
  expect(come(admission, 60_000, 5).verdicts).toEqual(["take", "take", "take", "wait", "wait"]);
});

test("one that waited and went away makes room for another", () => {
  const { admission } = come(openAdmission(LIMITS, 0), 0, 6);
  expect(come(giveUp(admission), 0, 2).verdicts).toEqual(["wait", "refuse"]);
});

test("whatever comes and goes, never more are taken than a burst and the rate, and the queue has its bound", () => {
  const steps = fc.array(fc.record({ ms: fc.nat(300), do: fc.constantFrom("come", "release", "leave") }));
  fc.assert(
    fc.property(steps, (all) => {
      let [state, now, taken, waiting] = [openAdmission(LIMITS, 0), 0, 0, 0];
      for (const step of all) {
        now += step.ms;
        if (step.do === "come") {
          const { admission, verdict } = admit(state, now, LIMITS);
          state = admission;
          taken += verdict === "take" ? 1 : 0;
          waiting += verdict === "wait" ? 1 : 0;
        } else if (step.do === "release") {
          const { admission, count } = release(state, now, LIMITS);
          state = admission;
          taken += count;
          waiting -= count;
        } else if (waiting > 0) {
          state = giveUp(state);
          waiting -= 1;
        }
        expect(state.waiting).toBe(waiting);
        expect(waiting).toBeLessThanOrEqual(LIMITS.waiting);
        expect(taken).toBeLessThanOrEqual(LIMITS.burst + (now * LIMITS.perSecond) / 1_000 + 1e-6);
      }
    }),
  );
});
