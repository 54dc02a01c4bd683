import type { Problem } from "../core/failure/problem.ts";
import type { Digest, Reference, Resource } from "../core/resource/resource.ts";
import { versionOf } from "../core/resource/resource.ts";
import { TYPE_URL_PREFIX } from "../core/resource/type-url.ts";
import { canonicalName, isNameOfType } from "../core/resource/xdstp.ts";
import { findingIn } from "./finding.ts";

/**
 * The resource that has these bytes: under its canonical name, with the version of its content, and with what it is found
 * by where that is not its name.
 *
 * @param nameField where the name was said, for a problem with it
 */
export function encodedResource(
  { typeUrl, name, bytes, refs }: Omit<Resource, "version">,
  digest: Digest,
  nameField: string,
): { readonly resource: Resource } | { readonly problems: readonly Problem[] } {
  if (!isNameOfType(name, typeUrl)) return { problems: [namedAsAnother({ typeUrl, name }, nameField)] };
  const resource = { typeUrl, name: canonicalName(name), version: versionOf(bytes, digest), bytes, refs };
  const finding = findingIn(typeUrl, bytes);
  return { resource: finding === undefined ? resource : { ...resource, finding } };
}

/** An `xdstp://` name that says to be of another type: nobody who asks for the resource would find it. */
function namedAsAnother({ typeUrl, name }: Reference, field: string): Problem {
  const message = `${JSON.stringify(name)} is no name of ${typeUrl}: an xdstp:// path begins with the type`;
  const hint = `such as xdstp://AUTHORITY/${typeUrl.slice(TYPE_URL_PREFIX.length)}/ID`;
  return { path: [field], message, hint, code: "bad-name" };
}
