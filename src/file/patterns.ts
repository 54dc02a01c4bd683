import { quote, type Said } from "./said.ts";

const REGEX_LIMIT = 512;

/**
 * Why a regular expression cannot be given to Envoy, which has RE2: no look-around, no back-references, a repetition of at
 * most 1,000. Whether Envoy takes it stays Envoy's word; this finds what it surely refuses.
 */
export function regexProblem(text: string): Said | undefined {
  const code = "bad-regex";
  if (text === "") return { message: "an empty regular expression matches only an empty text", code };
  if (text.length > REGEX_LIMIT)
    return { message: `a regular expression of ${text.length} characters`, hint: `${REGEX_LIMIT} at most`, code };
  const bare = text.replace(/\\\\/g, "");
  if (/\(\?<?[=!]/.test(bare))
    return { message: `${quote(text)} looks ahead or behind, which Envoy's RE2 cannot`, code };
  if (/\\[1-9]|\\k</.test(bare))
    return { message: `${quote(text)} refers back to a group, which Envoy's RE2 cannot`, code };
  for (const [, low, high] of bare.matchAll(/\{(\d+)(?:,(\d*))?\}/g)) {
    if (Number(low) > 1_000 || Number(high || 0) > 1_000) {
      return { message: `${quote(text)} repeats more than 1000 times, which Envoy's RE2 does not`, code };
    }
  }
  try {
    new RegExp(text.replace(/^\(\?[imsU]+\)/, "").replaceAll("(?P<", "(?<"));
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^Invalid regular expression: .*\/[a-z]*: /s, "") : "";
    return { message: `${quote(text)} is not a regular expression: ${why.toLowerCase()}`, code };
  }
}

/** Why a path cannot be matched by a route; undefined where it can. Paths on the wire are printable ASCII and carry no query. */
export function pathProblem(text: string, kind: "prefix" | "exact"): Said | undefined {
  const code = "bad-path";
  if (!text.startsWith("/"))
    return { message: `the path ${quote(text)} does not begin with /`, hint: `write ${quote(`/${text}`)}`, code };
  if (/[?#]/.test(text))
    return { message: `the path ${quote(text)} has a query or fragment`, hint: "match queries with query:", code };
  if (!/^[\x21-\x7e]*$/.test(text)) {
    return {
      message: `the path ${quote(text)} has characters that never stand in a request`,
      hint: "percent-encode them",
      code,
    };
  }
  if (kind === "prefix" && text !== "/" && text.endsWith("/")) {
    const bare = text.replace(/\/+$/, "");
    const hint = bare === "" ? "write /" : `write ${bare}, which matches it and everything below it`;
    return { message: `the path ${quote(text)} ends in /`, hint, code };
  }
  return undefined;
}

/** Why a text cannot be a domain of a gateway; undefined where it can. */
export function domainProblem(text: string): Said | undefined {
  const code = "bad-domain";
  if (text === "*") return undefined;
  if (/^[^[\]]*:\d+$/.test(text)) {
    const hint = `ports in Host are not looked at: write ${quote(text.replace(/:\d+$/, ""))}`;
    return { message: `the domain ${quote(text)} has a port`, hint, code };
  }
  if (text.length > 253) return { message: `the domain ${quote(text)} is longer than 253 characters`, code };
  const inner = text.replace(/^\*(?=[.-])/, "").replace(/(?<=[.-])\*$/, "");
  const wildcards = text.length - inner.length;
  if (wildcards <= 1 && /^(?:[a-zA-Z0-9._-]+|\[[0-9a-fA-F:.]+\])$/.test(inner)) return undefined;
  const hint = 'a host name, "*", or one * at the beginning or end: "*.shop.example", "shop.*"';
  return { message: `${quote(text)} is not a domain`, hint, code };
}
