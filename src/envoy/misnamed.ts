import type { Problem } from "../core/failure/problem.ts";
import type { Reference } from "../core/resource/resource.ts";
import { TYPE_URL_PREFIX } from "../core/resource/type-url.ts";

/** An `xdstp://` name that says to be of another type: nobody who asks for the resource would find it. */
export function namedAsAnother({ typeUrl, name }: Reference, field: string): Problem {
  const message = `${JSON.stringify(name)} is no name of ${typeUrl}: an xdstp:// path begins with the type`;
  const hint = `such as xdstp://AUTHORITY/${typeUrl.slice(TYPE_URL_PREFIX.length)}/ID`;
  return { path: [field], message, hint, code: "bad-name" };
}
