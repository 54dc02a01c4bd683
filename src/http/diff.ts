import { formatDuration } from "../core/mesh/duration.ts";
import type { Gateway, Mesh, Route, Service, VirtualHost } from "../core/mesh/mesh.ts";
import type { Change } from "./contract.ts";

/** A thing that has a name in a mesh, and its plain fields. */
interface Subject {
  readonly name: string;
  readonly fields: ReadonlyMap<string, unknown>;
}

/**
 * What changed from one mesh to the other, in the words of the file: things are matched by their names, never by
 * their places, so that one route more is one change. `undefined` is the mesh before the first.
 */
export function diffMeshes(before: Mesh | undefined, after: Mesh): Change[] {
  const old = new Map((before === undefined ? [] : subjectsOf(before)).map((subject) => [subject.name, subject]));
  const now = new Map(subjectsOf(after).map((subject) => [subject.name, subject]));
  const removed = [...old.values()].filter(({ name }) => !now.has(name)).map((subject) => whole("removed", subject));
  const rest = [...now.values()].flatMap((subject) => {
    const was = old.get(subject.name);
    return was === undefined ? [whole("added", subject)] : changesIn(was, subject);
  });
  return [...removed, ...rest];
}

function whole(change: "added" | "removed", { name }: Subject): Change {
  return { change, subject: name, field: "", text: `${name} ${change === "added" ? "is new" : "goes away"}` };
}

function changesIn(was: Subject, now: Subject): Change[] {
  const fields = [...new Set([...was.fields.keys(), ...now.fields.keys()])];
  return fields.flatMap((field): Change[] => {
    const before = was.fields.get(field);
    const after = now.fields.get(field);
    if (field === "order" ? sameOrder(before, after) : JSON.stringify(before) === JSON.stringify(after)) return [];
    const text = `${now.name} ${field} ${short(before)} → ${short(after)}`;
    return [{ change: "changed", subject: now.name, field, before: before ?? null, after: after ?? null, text }];
  });
}

/** Routes that came or went are changes of their own: only those that are in both count. */
function sameOrder(before: unknown, after: unknown): boolean {
  const [was, now] = [before, after].map((list) => (Array.isArray(list) ? list : []));
  const common = (list: readonly unknown[] = [], other: readonly unknown[] = []) =>
    list.filter((one) => other.includes(one));
  return JSON.stringify(common(was, now)) === JSON.stringify(common(now, was));
}

function short(value: unknown): string {
  const text = value === undefined ? "unset" : typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

function subjectsOf(mesh: Mesh): Subject[] {
  const named = [
    ...mesh.services.flatMap(serviceSubjects),
    ...mesh.gateways.flatMap(gatewaySubjects),
    ...mesh.sidecars.map((sidecar) => subject(`sidecar ${sidecar.service}`, sidecar, ["service"])),
    ...mesh.resources.map(({ nodes, resource }) =>
      subject(rawName(resource), { ...resource, nodes }, ["@type", "name"]),
    ),
  ];
  return numbered(named);
}

/** Two subjects of one name (two equal raw names for different nodes) stay two. */
function numbered(subjects: readonly Subject[]): Subject[] {
  const seen = new Map<string, number>();
  return subjects.map((one) => {
    const count = (seen.get(one.name) ?? 0) + 1;
    seen.set(one.name, count);
    return count === 1 ? one : { ...one, name: `${one.name} (${count})` };
  });
}

function serviceSubjects(service: Service): Subject[] {
  return [
    subject(`service ${service.name}`, service, ["name", "versions", "traffic"]),
    ...service.versions.map(({ name, protocol, source }) =>
      subject(`cluster ${service.name}@${name}`, { protocol, ...source }, ["kind"]),
    ),
  ];
}

function gatewaySubjects(gateway: Gateway): Subject[] {
  return [
    subject(`gateway ${gateway.name}`, gateway, ["name", "hosts"]),
    ...gateway.hosts.flatMap((host) => hostSubjects(gateway.name, host)),
  ];
}

function hostSubjects(gateway: string, host: VirtualHost): Subject[] {
  const prefix = `${gateway} ${host.domains.join(",")}`;
  return [
    subject(`host ${prefix}`, { order: host.routes.map(matchOf) }, []),
    ...host.routes.map((route) => subject(`route ${prefix} ${matchOf(route)}`, route, ["path"])),
  ];
}

function matchOf({ path, methods, headers, query }: Route): string {
  const value = path.kind === "prefix" ? path.value : `${path.kind}:${path.value}`;
  const rest = [methods, headers, query].filter((part) => part.length > 0).map((part) => JSON.stringify(part));
  return [value, ...rest].join(" ");
}

function rawName(resource: Readonly<Record<string, unknown>>): string {
  const [type = "", name = ""] = [resource["@type"], resource["name"] ?? resource["cluster_name"]].filter(
    (value) => typeof value === "string",
  );
  return `resource ${type.slice(type.lastIndexOf(".") + 1)} ${name}`;
}

function subject(name: string, fields: object, without: readonly string[]): Subject {
  const kept = Object.entries(fields).filter(([field]) => !without.includes(field));
  return { name, fields: new Map(kept.map(([field, value]): [string, unknown] => asWritten(field, value))) };
}

/** A mesh has milliseconds and basis points where its file has `15s` and `5%`. */
function asWritten(field: string, value: unknown): [string, unknown] {
  if (field === "timeoutMs" && typeof value === "number") return ["timeout", formatDuration(value)];
  return [field, value];
}
