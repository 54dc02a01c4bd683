import type { NodeIdentity } from "../node/node.ts";
import type { Known } from "./client.ts";
import { isOurs } from "./content.ts";
import type { NodeMemory, Remembered } from "./memory.ts";

/*
 * What a client says may be long. Whatever is kept of it beyond its stream is bounded by what it weighs, not by how many
 * pieces it has: a name can have a mebibyte (P58).
 */

/** What a text costs beside its characters, with its place in a list or set, about, in bytes. */
const PLACE_BYTES = 64;

/** What a text costs in memory at most, in bytes: a character takes two where any in the text is beyond Latin-1. */
export function weightOfText(text: string): number {
  return PLACE_BYTES + 2 * text.length;
}

/** By identity: lists, sets and maps are shared by streams and never changed. */
const weights = new WeakMap<object, number>();

/** The same of names, each list or set of which is looked through but once. */
export function weightOfNames(names: readonly string[] | ReadonlySet<string>): number {
  return weighed(names, () => {
    let bytes = 0;
    for (const name of names) bytes += weightOfText(name);
    return bytes;
  });
}

/** The same of versions by name, as a client reports them. */
export function weightOfVersions(versions: ReadonlyMap<string, string>): number {
  return weighed(versions, () => {
    let bytes = 0;
    for (const [name, version] of versions) bytes += weightOfText(name) + weightOfText(version);
    return bytes;
  });
}

/** The same of who a node says it is. What it is built with is shared and bounded for itself. */
export function weightOfNode({ id, cluster, labels, zone, envoyVersion }: NodeIdentity): number {
  let bytes = weightOfText(id) + weightOfText(cluster) + weightOfText(zone) + weightOfText(envoyVersion);
  for (const label in labels) bytes += weightOfText(label) + weightOfText(labels[label] ?? "");
  return bytes;
}

/** The same of what clients have put into a memory: names that they asked for, and what they said they have. */
export function weightOfMemory(memory: NodeMemory): number {
  if (memory.types.size + memory.distrusted.size === 0) return 0;
  return weighed(memory, () => {
    let bytes = 0;
    for (const [typeUrl, known] of memory.types) bytes += weightOfText(typeUrl) + weightOfType(known);
    for (const names of memory.distrusted.values()) bytes += weightOfNames(names);
    return bytes;
  });
}

function weightOfType({ subscription, client, open }: Remembered): number {
  const names = subscription === undefined ? 0 : weightOfNames(subscription.names);
  const error = open?.error === undefined ? 0 : weightOfText(open.error);
  return names + error + weightOfKnown(client.base) + weightOfKnown(client.except);
}

/** The same of what a client said that it has. Resources are the server's own, with their names. */
export function weightOfKnown(set: ReadonlyMap<string, Known | undefined>): number {
  return weighed(set, () => {
    let bytes = 0;
    for (const [name, known] of set)
      if (!isOurs(known)) bytes += weightOfText(name) + weightOfText(known?.version ?? "");
    return bytes;
  });
}

function weighed(what: object, weigh: () => number): number {
  const known = weights.get(what);
  if (known !== undefined) return known;
  const bytes = weigh();
  weights.set(what, bytes);
  return bytes;
}
