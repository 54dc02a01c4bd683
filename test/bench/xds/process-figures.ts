import { readFileSync, writeFileSync } from "node:fs";

const MIB = 1024 ** 2;

/** Linux counts in hundredths of a second wherever Node runs. */
const TICK_MS = 10;

/** User and system time of all threads so far, in milliseconds, in steps of ten. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory now, in MiB. */
export function residentMib(pid: number): number {
  return statusMib(pid, "VmRSS");
}

/** The most that was resident since the process began or `forgetPeak`, in MiB; the kernel keeps it, nothing is missed. */
export function peakMib(pid: number): number {
  return statusMib(pid, "VmHWM");
}

/** From now on the peak is that of what follows. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function statusMib(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1_024) / MIB;
}

/** What this process has used so far, in milliseconds. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
