import { shortTypeName } from "../../core/resource/type-url.ts";
import type { NodeConfigObject, NodeObject } from "../../http/contract.ts";
import { EXIT, usage } from "../failure.ts";
import { day, printable, table } from "../printable.ts";
import type { Session } from "../session.ts";

/** `belay node get ID` */
export async function getNode(session: Session, _options: object, args: readonly string[]): Promise<number> {
  const node = await session.client().get<NodeObject>(`/v1/nodes/${encodeURIComponent(args[0] ?? "")}`);
  session.result(node, nodeText(node));
  return EXIT.done;
}

function nodeText(node: NodeObject): string {
  const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`);
  const { wanted, acked } = node.revision;
  const lines = [
    `${node.id}  ${node.state}  ${node.connected ? "connected" : "away"} since ${day(node.since)}`,
    `cluster ${node.cluster}${node.group === "" ? "" : `, group ${node.group}`}, Envoy ${node.envoy === "" ? "of unknown version" : node.envoy}`,
    ...extensionsLine(node),
    ...(labels.length === 0 ? [] : [`labels ${labels.join(" ")}`]),
    ...(node.reason === undefined ? [] : [node.reason]),
    `wanted ${wanted === null ? "nothing" : `revision ${wanted}`}, acknowledged ${acked === null ? "nothing" : `revision ${acked}`}`,
  ];
  const rows = Object.entries(node.types).map(([typeUrl, { state, version, error }]) => [
    shortTypeName(typeUrl),
    state,
    version === "" ? "–" : version,
    error ?? "",
  ]);
  const types = rows.length === 0 ? "" : `\n${table(["TYPE", "STATE", "ACKED VERSION", "ERROR"], rows)}`;
  return `${lines.map(printable).join("\n")}\n${types}`;
}

function extensionsLine({ extensions }: NodeObject): string[] {
  if (extensions === undefined) return [];
  const categories = Object.values(extensions);
  const count = categories.reduce((sum, names) => sum + names.length, 0);
  return [`built with ${count} extensions of ${categories.length} kinds (-o json lists them)`];
}

export interface NodeConfigFlags {
  readonly type?: string;
}

/** `belay node config ID`: what it should have, resource by resource. */
export async function nodeConfig(
  session: Session,
  { type }: NodeConfigFlags,
  args: readonly string[],
): Promise<number> {
  const path = `/v1/nodes/${encodeURIComponent(args[0] ?? "")}/config`;
  const config = await session.client().get<NodeConfigObject>(path);
  const types = [...new Set(config.resources.map(({ typeUrl }) => typeUrl))];
  if (type !== undefined && !types.some((typeUrl) => isType(typeUrl, type))) {
    throw usage(
      `${config.id} has no resources of the type "${type}"; it has ${types.map(shortTypeName).join(", ") || "none"}`,
    );
  }
  const resources = config.resources.filter(({ typeUrl }) => type === undefined || isType(typeUrl, type));
  const { stringify } = await import("yaml");
  const parts = resources.map(({ typeUrl, name, wanted, acked, config: value }) => {
    const note = wanted === null ? "should be gone" : acked === wanted ? "acknowledged" : "not acknowledged";
    return `# ${shortTypeName(typeUrl)} ${printable(name)}: ${note}\n${value === null ? "" : stringify(value)}`;
  });
  const text = parts.length === 0 ? `${config.id} should have nothing.\n` : parts.join("---\n");
  session.result({ ...config, resources }, text);
  return EXIT.done;
}

function isType(typeUrl: string, wanted: string): boolean {
  return typeUrl === wanted || shortTypeName(typeUrl) === wanted || typeUrl.endsWith(`.${wanted}`);
}
