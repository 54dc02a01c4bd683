import { setTimeout as pause } from "node:timers/promises";
import type { Churn } from "./churn.ts";
import { PASSERS } from "./churn.ts";
import { LoyalClient } from "./loyal.ts";
import type { ClientOrder, Loyalty } from "./messages.ts";
import { Random } from "./random.ts";
import { GROUPS, LARGE, PASSING } from "./world.ts";

// Clients of a soak, in a process of its own: those that stay, or those that come and go.

const TICK_MS = 50;
/** A server that answers slowly has no more of them at a time. */
const MOST = 300;
/**
 * The fleet that those who come and go are of. What is remembered of a node that is away is bounded by nodes and by names, and
 * grows up to that bound; what is judged is whether anything grows beside it.
 */
const FLEET = 40;

type Kind = (typeof PASSERS)[string];

const random = new Random(Number(process.env["SOAK_SEED"] ?? 1) + 1);
const loyal: LoyalClient[] = [];
const complaints: string[] = [];
let churning: NodeJS.Timeout | undefined;
let [present, passed, isResting] = [0, 0, false];
/** Those that poll are away once it is known how often they come: after one question that is minutes later. */
let polling = 0;

process.on("message", (order: ClientOrder) => void carryOut(order));
process.on("disconnect", () => process.exit(0));

async function carryOut(order: ClientOrder): Promise<void> {
  process.send?.({ to: order.do, value: await obey(order) });
}

async function obey(order: ClientOrder): Promise<unknown> {
  switch (order.do) {
    case "loyal":
      return stand(order.port);
    case "churn":
      return churn(order);
    case "rest":
      clearInterval(churning);
      isResting = true;
      while (polling > 0) await pause(TICK_MS);
      return passed;
    case "held":
      return {
        held: loyal.map(({ held }) => held),
        complaints,
        acks: sum("acks"),
        returns: sum("returns"),
      } satisfies Loyalty;
  }
}

function planOf(port: number): Churn {
  return { port, random, groups: [...GROUPS, ...PASSING], large: LARGE };
}

function sum(figure: "acks" | "returns"): number {
  return loyal.reduce((all, client) => all + client[figure], 0);
}

/** For each group a client of each kind. */
function stand(port: number): number {
  const complain = (what: string): void => void (complaints.length < 20 && complaints.push(what));
  for (const group of GROUPS) {
    for (const dialect of ["sotw", "delta"] as const) {
      for (const separate of [false, true]) {
        const id = `loyal-${group}-${dialect}-${separate ? "separate" : "ads"}`;
        loyal.push(new LoyalClient({ port, id, group, dialect, separate, complain }));
      }
    }
  }
  return loyal.length;
}

function churn({ port, perSecond }: { readonly port: number; readonly perSecond: number }): number {
  const plan = planOf(port);
  const only = process.env["SOAK_ONLY"] ?? "";
  const kinds = Object.entries(PASSERS).flatMap(([name, kind]) => (name.includes(only) ? [kind] : []));
  const bag = kinds.flatMap((kind) => Array.from({ length: kind.often }, () => kind));
  const from = Date.now();
  let due = 0;
  churning = setInterval(() => {
    for (; due < (perSecond * (Date.now() - from)) / 1_000; due += 1) {
      if (present >= MOST || isResting) continue;
      passed += 1;
      void come(plan, random.pick(bag));
    }
  }, TICK_MS);
  return perSecond;
}

async function come(plan: Churn, { pass }: Kind): Promise<void> {
  const isPolling = pass === PASSERS["polls"]?.pass;
  present += 1;
  if (isPolling) polling += 1;
  await pass(plan, `passer-${random.below(FLEET)}`);
  if (isPolling) polling -= 1;
  present -= 1;
}
