import { quantile } from "../figures.ts";
import type { Case, Figure, Figures } from "./cases.ts";
import { FIGURES, MORE_IS_BETTER, NOT_COMPARED } from "./cases.ts";

/** What one run of a case against one server gave. */
export interface Measured {
  readonly of: string;
  readonly server: string;
  readonly figures: Figures;
}

/** The server whose figures the others are compared with. */
export const BELAY = "belay";

/**
 * The rows of the table, the heading first: for each case and figure the median of each server's runs, and Belay's as
 * a ratio to the better of the others.
 */
export function rowsOf(measured: readonly Measured[], servers: readonly string[], cases: readonly Case[]): string[][] {
  const peers = servers.filter((server) => server !== BELAY);
  const rows = [["case and figure", ...servers, ...(peers.length > 0 ? ["belay : better peer"] : [])]];
  for (const { name } of cases) {
    for (const figure of Object.keys(FIGURES) as Figure[]) {
      const medians = servers.map((server) => medianOf(measured, name, server, figure));
      if (medians.every((value) => value === undefined)) continue;
      const row = [`${name}: ${FIGURES[figure]}`, ...medians.map(shown)];
      if (peers.length > 0) row.push(ratio(figure, servers, medians));
      rows.push(row);
    }
  }
  return rows;
}

function medianOf(all: readonly Measured[], name: string, server: string, figure: Figure): number | undefined {
  const samples = all.flatMap((one) => {
    const value = one.of === name && one.server === server ? one.figures[figure] : undefined;
    return value === undefined ? [] : [value];
  });
  return samples.length === 0 ? undefined : quantile(samples, 0.5);
}

function ratio(figure: Figure, servers: readonly string[], medians: readonly (number | undefined)[]): string {
  const ours = medians[servers.indexOf(BELAY)];
  const theirs = medians.filter((value, n) => servers[n] !== BELAY && value !== undefined) as number[];
  if (ours === undefined || theirs.length === 0 || NOT_COMPARED.has(figure)) return "";
  const better = MORE_IS_BETTER.has(figure) ? Math.max(...theirs) : Math.min(...theirs);
  if (better === 0) return ours === 0 ? "1.00" : "";
  return (ours / better).toFixed(2);
}

function shown(value: number | undefined): string {
  if (value === undefined) return "";
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value >= 10 ? value.toFixed(0) : String(Number(value.toFixed(2)));
}
