import { formatPath, type Problem } from "../failure/problem.ts";
import type { ProblemCode } from "../failure/problem-codes.ts";
import type { NodeSelector } from "../node/node.ts";
import type { HostPort, Mesh, Service } from "./mesh.ts";
import { nearest } from "./nearest.ts";
import { Claims } from "./overlap.ts";

type Path = Problem["path"];

/** A mesh under examination: what was looked up once, and the problems found so far. */
export interface Findings {
  readonly mesh: Mesh;
  readonly problems: Problem[];
  readonly services: ReadonlyMap<string, Service>;
  readonly claims: Claims;
  /** Index of the first service with this name, whatever its case: Envoy compares hosts without it. */
  firstOf(name: string): number | undefined;
  add(path: Path, code: ProblemCode, message: string, hint?: string): void;
  /** Two listeners on one address of the same node: the second is a problem. */
  listen(listen: HostPort, nodes: NodeSelector, path: Path): void;
}

export function findingsOf(mesh: Mesh): Findings {
  const problems: Problem[] = [];
  const claims = new Claims();
  const first = new Map<string, number>();
  for (const [index, { name }] of mesh.services.entries()) {
    const key = name.toLowerCase();
    if (!first.has(key)) first.set(key, index);
  }
  const add: Findings["add"] = (path, code, message, hint) => {
    problems.push(hint === undefined ? { path, message, code } : { path, message, hint, code });
  };
  return {
    mesh,
    problems,
    services: new Map(mesh.services.map((service) => [service.name, service])),
    claims,
    firstOf: (name) => first.get(name.toLowerCase()),
    add,
    listen({ address, port }, nodes, path) {
      const other = claims.claim(`listen ${address} ${port}`, nodes, formatPath(path));
      if (other === undefined) return;
      const message = `port ${port} of ${address} is taken on the same nodes by ${other}`;
      add(path, "duplicate-listen", message, "give one of them another port, or different nodes");
    },
  };
}

/** Problems up to which a guess at what was meant is worth its cost, which grows with the number of services. */
const GUESSES = 100;

/** Reports a service that does not exist, with the one that may have been meant. */
export function unknownService(findings: Findings, path: Path, name: string): void {
  const meant = findings.problems.length < GUESSES ? nearest(name, findings.services.keys()) : undefined;
  const some = [...findings.services.keys()].slice(0, 10).join(", ");
  const hint = meant !== undefined ? `did you mean ${meant}?` : some === "" ? undefined : `there are ${some}`;
  findings.add(path, "unknown-service", `there is no service ${name}`, hint);
}
