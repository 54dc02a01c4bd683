import { execFileSync } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** The processes of this machine; one that has ended and waits for its parent to notice is not counted. */
export function processes(): Process[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat=,args="], { encoding: "utf8" });
  const rows = table.split("\n").map((line) => /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line));
  return rows
    .filter((row) => row !== null && !row[3]?.startsWith("Z"))
    .map((row) => ({ pid: Number(row?.[1]), parent: Number(row?.[2]), command: row?.[4] ?? "" }));
}

/** The process and all that it started, directly or not. */
export function familyOf(pid: number): Process[] {
  const all = processes();
  const family = all.filter((process) => process.pid === pid);
  for (const member of family) family.push(...all.filter((process) => process.parent === member.pid));
  return family;
}

/** Resolves when none of them is there any more; rejects with what is left after `withinMs`. */
export async function gone(pids: readonly number[], withinMs = 5_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const left = processes().filter(({ pid }) => pids.includes(pid));
    if (left.length === 0) return;
    if (performance.now() > deadline) throw new Error(`still there: ${JSON.stringify(left)}`);
    await pause(20);
  }
}
