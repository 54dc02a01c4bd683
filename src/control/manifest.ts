import type { Digest, Reference, Resource } from "../core/resource/resource.ts";

/** One resource of a compiled view: where its bytes are. */
interface Entry extends Reference {
  readonly version: string;
  readonly refs: readonly Reference[];
  readonly blob: string;
}

/** What is stored of a compiled view: a list of its resources, and their bytes. */
export interface StoredView {
  /** Digest of `manifest`. */
  readonly digest: string;
  readonly blobs: readonly Uint8Array[];
}

/** Digests of the bytes of resources: the same resource is in many views. */
const digests = new WeakMap<Resource, string>();

/**
 * The blobs that bring a view back byte for byte.
 *
 * @param isStored is a resource in the store already? Its bytes are not among the blobs then
 */
export function storedView(
  resources: readonly Resource[],
  digest: Digest,
  isStored: (resource: Resource) => boolean,
): StoredView {
  const entries = resources.map((resource): Entry => {
    const { typeUrl, name, version, refs } = resource;
    const blob = digests.get(resource) ?? digest(resource.bytes);
    digests.set(resource, blob);
    return { typeUrl, name, version, refs, blob };
  });
  const manifest = new TextEncoder().encode(JSON.stringify(entries));
  const blobs = resources.filter((resource) => !isStored(resource)).map(({ bytes }) => bytes);
  return { digest: digest(manifest), blobs: [manifest, ...blobs] };
}

/**
 * The resources of a stored view.
 *
 * @param blob reads a blob; undefined where it is missing
 * @returns undefined where a part is missing
 */
export async function readView(
  manifest: string,
  blob: (digest: string) => Promise<Uint8Array | undefined>,
): Promise<Resource[] | undefined> {
  const text = await blob(manifest);
  if (text === undefined) return undefined;
  const resources: Resource[] = [];
  for (const entry of JSON.parse(new TextDecoder().decode(text)) as Entry[]) {
    const bytes = await blob(entry.blob);
    if (bytes === undefined) return undefined;
    const { typeUrl, name, version, refs } = entry;
    resources.push({ typeUrl, name, version, bytes, refs });
  }
  return resources;
}
