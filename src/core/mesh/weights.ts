import type { Problem } from "../failure/problem.ts";
import type { Mesh, Weights } from "./mesh.ts";
import { WHOLE } from "./mesh.ts";

/** Version → basis points. */
export type Split = Readonly<Record<string, number>>;

/** The weights that a new mesh starts with: each service's `traffic`. */
export function seedWeights(mesh: Mesh): Weights {
  return record(mesh.services.map((service) => [service.name, splitOf(service.versions, service.traffic)]));
}

/**
 * The weights of a new mesh on a fleet that has weights already. Services that are in both keep theirs, so that
 * publishing a file in the middle of a shift moves no traffic: from then on only rollouts do. New versions get nothing,
 * new services start with their `traffic`. A version that still has traffic and is gone is the problem `version-in-use`.
 */
export function carryWeights(mesh: Mesh, previous: Weights): { weights: Weights; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const splits = mesh.services.map((service, index): [string, Split] => {
    const before = own(previous, service.name);
    if (before === undefined) return [service.name, splitOf(service.versions, service.traffic)];
    const names = new Set(service.versions.map(({ name }) => name));
    const gone = Object.keys(before).filter((version) => !names.has(version) && (own(before, version) ?? 0) > 0);
    for (const version of gone) problems.push(inUse(index, service.name, version, own(before, version) ?? 0));
    return [service.name, splitOf(service.versions, gone.length > 0 ? service.traffic : before)];
  });
  return { weights: record(splits), problems };
}

/**
 * The split after someone asked for exact weights of some versions. Versions not named share the rest in their present
 * proportion (the first of them takes it all if they have none). The result has every version and totals 10,000 exactly.
 */
export function shiftWeights(
  current: Split,
  asked: Split,
  versionsInOrder: readonly string[],
): { readonly weights: Split } | { readonly problems: readonly Problem[] } {
  const problems = askedProblems(asked, versionsInOrder);
  if (problems.length > 0) return { problems };
  const others = versionsInOrder.filter((version) => !Object.hasOwn(asked, version));
  const total = sum(Object.values(asked));
  if (total > WHOLE) return { problems: [wrongTotal(total, "more than the whole traffic")] };
  if (others.length === 0 && total !== WHOLE) {
    return { problems: [wrongTotal(total, "every version is named, so they must make 100%")] };
  }
  const shares = apportion(
    WHOLE - total,
    others.map((version) => own(current, version) ?? 0),
  );
  const rest = new Map(others.map((version, index) => [version, shares[index] ?? 0]));
  return {
    weights: record(versionsInOrder.map((version) => [version, own(asked, version) ?? rest.get(version) ?? 0])),
  };
}

/** Basis points of `"5%"` or `"0.05%"`, or why it is none. */
export function parseWeight(
  text: string,
): { readonly basisPoints: number } | { readonly message: string; readonly hint: string } {
  const match = /^(\d{1,9})(?:\.(\d{1,20}))? ?%$/.exec(text);
  if (match === null) {
    const bare = /^\d{1,9}(\.\d{1,20})?$/.test(text);
    return {
      message: `"${clip(text)}" is not a share of traffic`,
      hint: bare ? `write ${text}%` : "write it as 5% or 0.05%",
    };
  }
  const [, whole = "", fraction = ""] = match;
  if (/[1-9]/.test(fraction.slice(2))) {
    return { message: `${text} is finer than a basis point`, hint: "the smallest step is 0.01%" };
  }
  const basisPoints = Number(whole) * 100 + Number(fraction.slice(0, 2).padEnd(2, "0"));
  if (basisPoints > WHOLE) return { message: `${text} is more than the whole`, hint: "100% is the most" };
  return { basisPoints };
}

/** `500` → `5%`, `5` → `0.05%`: the shortest text that `parseWeight` reads back. */
export function formatWeight(basisPoints: number): string {
  const fraction = String(basisPoints % 100)
    .padStart(2, "0")
    .replace(/0+$/, "");
  return `${Math.floor(basisPoints / 100)}${fraction === "" ? "" : `.${fraction}`}%`;
}

/** Divides `total` in the proportion of `parts` by largest remainder; of equal remainders the first wins. All parts 0: the first takes it. */
function apportion(total: number, parts: readonly number[]): number[] {
  const whole = sum(parts);
  if (whole === 0) return parts.map((_, index) => (index === 0 ? total : 0));
  const shares = parts.map((part) => Math.floor((total * part) / whole));
  const order = parts
    .map((part, index) => ({ index, remainder: (total * part) % whole }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index } of order.slice(0, total - sum(shares))) shares[index] = (shares[index] ?? 0) + 1;
  return shares;
}

function askedProblems(asked: Split, versionsInOrder: readonly string[]): Problem[] {
  const known = new Set(versionsInOrder);
  const problems: Problem[] = [];
  if (Object.keys(asked).length === 0) {
    problems.push({
      path: ["weights"],
      message: "no version is named",
      hint: "say for example v2=5%",
      code: "weights-empty",
    });
  }
  for (const [version, weight] of Object.entries(asked)) {
    const path = ["weights", version];
    if (!known.has(version)) {
      const hint = `it has ${versionsInOrder.join(", ")}`;
      problems.push({ path, message: `the service has no version "${clip(version)}"`, hint, code: "unknown-version" });
    } else if (!Number.isInteger(weight) || weight < 0) {
      const message = `the weight of ${version} must be a whole number of basis points, 0 to ${WHOLE}`;
      problems.push({ path, message, hint: "5% is 500", code: "bad-weight" });
    }
  }
  return problems;
}

function wrongTotal(total: number, why: string): Problem {
  return { path: ["weights"], message: `the weights make ${formatWeight(total)}: ${why}`, code: "weights-sum" };
}

function inUse(service: number, name: string, version: string, weight: number): Problem {
  return {
    path: ["services", service, "versions"],
    message: `${name}@${version} still has ${formatWeight(weight)} of the traffic and is gone from the mesh`,
    hint: `shift it away first: belay shift ${name} ${version}=0%`,
    code: "version-in-use",
  };
}

function splitOf(versions: readonly { readonly name: string }[], split: Split): Split {
  return record(versions.map(({ name }) => [name, own(split, name) ?? 0]));
}

/** A name may be `constructor`: only what the record itself has counts. */
function own<T>(values: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}

function record<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries(entries);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
