/** A name in the form of a URL: `xdstp://AUTHORITY/TYPE/ID?KEY=VALUE`; the id may have slashes. */
const XDSTP = /^xdstp:\/\/([^/?#]*)\/([^/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?(?:#.*)?$/;

const SCHEME = "xdstp://";

/** Lists that are given again and again are looked through once. */
const canonical = new WeakMap<readonly string[], readonly string[]>();

/** Lists shorter than this cost less to look through than to look up. */
const SHORT = 8;

/**
 * A name as it is compared: of an `xdstp://` name the context parameters in the order of their keys, without directives.
 * Every other name, and what only looks like one of these, is as it is.
 */
export function canonicalName(name: string): string {
  if (!name.startsWith(SCHEME)) return name;
  const parts = XDSTP.exec(name);
  if (parts === null) return name;
  const [, authority = "", type = "", id = "", query = ""] = parts;
  const parameters = query.split("&").filter((parameter) => parameter !== "");
  const sorted = parameters.map((parameter) => parameter.split("=", 2)).sort(byKey);
  const context = sorted.map(([key = "", value]) => (value === undefined ? key : `${key}=${value}`)).join("&");
  return `${SCHEME}${authority}/${type}${id === "" ? "" : `/${id}`}${context === "" ? "" : `?${context}`}`;
}

/** The names of a list in that form; the list itself where they have it. */
export function canonicalNames(names: readonly string[]): readonly string[] {
  if (names.length < SHORT) return withCanonical(names);
  const known = canonical.get(names);
  if (known !== undefined) return known;
  const made = withCanonical(names);
  canonical.set(names, made);
  return made;
}

function withCanonical(names: readonly string[]): readonly string[] {
  return names.some((name) => name.startsWith(SCHEME)) ? names.map(canonicalName) : names;
}

function byKey([a = "", x = ""]: readonly string[], [b = "", y = ""]: readonly string[]): number {
  return compare(a, b) || compare(x, y);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Does the name stand for a collection: all resources whose name differs in the last part of the id only? */
export function isGlob(name: string): boolean {
  return name.startsWith(SCHEME) && /\/\*(?:\?|$)/.test(name);
}

/** The name of the collection that a resource of this name, in canonical form, belongs to; undefined where it has none. */
export function globOf(name: string): string | undefined {
  if (!name.startsWith(SCHEME)) return undefined;
  const parts = XDSTP.exec(name);
  if (parts === null) return undefined;
  const [, authority = "", type = "", id = "", query] = parts;
  const context = query === undefined ? "" : `?${query}`;
  return `${SCHEME}${authority}/${type}/${id.slice(0, id.lastIndexOf("/") + 1)}*${context}`;
}

/** May a resource of this type have this name? Of `xdstp://` names the type is a part. */
export function isNameOfType(name: string, typeUrl: string): boolean {
  if (!name.startsWith(SCHEME)) return true;
  return XDSTP.exec(name)?.[2] === typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}
