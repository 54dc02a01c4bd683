import type { Resource } from "../resource/resource.ts";
import { CLUSTER } from "../resource/type-url.ts";
import type { Known } from "./client.ts";
import { memoised } from "./memoised.ts";
import type { NodeMemory, Remembered } from "./memory.ts";
import type { NackPolicyOf } from "./nack-policy.ts";
import { isResource } from "./removal.ts";

/** Resources by name, of which the content may be gone. */
type KnownSet = ReadonlyMap<string, Known>;

/** The same where a name may stand for what a client does not have. */
type Exceptions = ReadonlyMap<string, Known | undefined>;

/** A snapshot of which the content may be gone: what is left says which resources there were, and in what versions. */
export interface KnownSnapshot {
  readonly digest: string;
  readonly types: ReadonlyMap<string, { readonly version: string; readonly resources: KnownSet }>;
}

// Nodes of a group share their sets, and are to share them without content.
const bareKnown = new WeakMap<Known, Known>();
/** What was a resource of this process, with its names. */
const ours = new WeakSet<Known>();

function bare(known: Known): Known {
  const { version, refs, lastGood } = known;
  if (!isResource(known) && (lastGood === undefined || !isResource(lastGood))) return known;
  const before = bareKnown.get(known);
  if (before !== undefined) return before;
  const made = lastGood === undefined ? { version, refs } : { version, refs, lastGood: bare(lastGood) };
  bareKnown.set(known, made);
  if (isResource(known)) ours.add(made);
  return made;
}

/** Is, or was, what is known a resource of this process, and not what a client said? */
export function isOurs(known: Known | undefined): boolean {
  return isResource(known) || (known !== undefined && ours.has(known));
}

/** The same names in the same versions, without content; the set itself where it has none. One for all that share the set. */
export function withoutContent(set: KnownSet): KnownSet;
export function withoutContent(set: Exceptions): Exceptions;
export function withoutContent(set: Exceptions): Exceptions {
  return bareSet(set);
}

const bareSet = memoised((set: Exceptions): Exceptions => {
  let hasContent = false;
  const made = new Map<string, Known | undefined>();
  for (const [name, known] of set) {
    const left = known && bare(known);
    hasContent ||= left !== known;
    made.set(name, left);
  }
  return hasContent ? made : set;
});

/** All content in a set, also what is only known to have been good. */
export function* contentOf(set: Exceptions): Generator<Resource> {
  for (const known of set.values()) {
    if (isResource(known)) yield known;
    if (isResource(known?.lastGood)) yield known.lastGood;
  }
}

/** Which resources the snapshot had, without what was in them, and without what streams once did under it (`moves.ts`). */
export const snapshotWithoutContent = memoised(({ digest, types }: KnownSnapshot): KnownSnapshot => {
  const bareTypes = [...types].map(
    ([typeUrl, { version, resources }]) => [typeUrl, { version, resources: withoutContent(resources) }] as const,
  );
  return { digest, types: new Map(bareTypes) };
});

/**
 * What has to be remembered of a node that is away. Content is needed in two cases, and kept in those: of clusters, for a
 * complete set of the state of the world has to say again what is not to be removed yet (P45); and of types whose policy sets
 * back what was acknowledged. Of all else the version tells what differs, and to say nothing of a name leaves the client with
 * what it has.
 */
export function whatMayBeNeeded(memory: NodeMemory, onNack: NackPolicyOf | undefined): NodeMemory {
  return withTypes(memory, (known, typeUrl) => {
    const policy = onNack?.(typeUrl);
    const isNeeded = typeUrl === CLUSTER || policy === "rollback" || policy === "quarantine";
    return isNeeded ? known : bareType(known);
  });
}

/** The same without any content. Where something was set back it cannot go on without: that is begun anew. */
export function nothingWhole(memory: NodeMemory): NodeMemory {
  return withTypes(memory, (known) => {
    const isSetBack = known.open !== undefined && known.open.refusal.instead.size > 0;
    return isSetBack ? { ...bareType(known), open: undefined } : bareType(known);
  });
}

function withTypes(memory: NodeMemory, change: (known: Remembered, typeUrl: string) => Remembered): NodeMemory {
  return { ...memory, types: new Map([...memory.types].map(([typeUrl, known]) => [typeUrl, change(known, typeUrl)])) };
}

function bareType(known: Remembered): Remembered {
  const { client, sent } = known;
  return {
    ...known,
    client: { base: withoutContent(client.base), except: withoutContent(client.except) },
    sent: sent && { ...sent, resources: withoutContent(sent.resources) },
  };
}
