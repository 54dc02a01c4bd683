import { isIP } from "node:net";
import { z } from "zod";
import { formatDuration, parseDuration } from "../core/mesh/duration.ts";
import { NAME_LIMIT, NAME_PATTERN } from "../core/mesh/names.ts";
import { parseWeight } from "../core/mesh/weights.ts";
import { quote, type Said, say } from "./said.ts";

/** A text that is read into a value; the reader answers with the value or with what is wrong. */
export function textAs<T>(what: string, example: string, read: (text: string) => { value: T } | Said) {
  return z.string({ error: (issue) => say(notText(issue.input, what, example)) }).transform((text, context): T => {
    const result = read(text);
    if ("value" in result) return result.value;
    context.issues.push({ code: "custom", input: text, message: say(result) });
    return z.NEVER;
  });
}

function notText(input: unknown, what: string, example: string): Said {
  if (input === undefined) return { message: `${what} is missing`, hint: `for example ${example}`, code: "missing" };
  if (typeof input === "number" && what.startsWith("a share")) {
    return { message: `${input} is a bare number, which says no unit`, hint: `write ${input}%`, code: "bare-number" };
  }
  if (typeof input === "number" && what.startsWith("a duration")) {
    return {
      message: `${input} is a bare number, which says no unit`,
      hint: `write ${input}s or ${input}ms`,
      code: "bare-number",
    };
  }
  const hint =
    typeof input === "number" || typeof input === "boolean"
      ? `write it in quotes: "${input}"`
      : `for example ${example}`;
  return { message: `${quote(input)} is not ${what}`, hint, code: "wrong-type" };
}

/** A name of a service, version or gateway. */
export function nameOf(what: string) {
  return textAs(`the name of ${what}`, "reviews", (text) => {
    const problem = nameProblem(text);
    return problem === undefined ? { value: text } : problem;
  });
}

/** Why a text cannot be a name; undefined where it can. */
export function nameProblem(text: string): Said | undefined {
  if (text.length > NAME_LIMIT) {
    return { message: `the name ${quote(text)} is longer than ${NAME_LIMIT} characters`, code: "bad-name" };
  }
  if (new RegExp(NAME_PATTERN).test(text)) return undefined;
  return {
    message: `${quote(text)} cannot be a name`,
    hint: "letters, digits, . _ and -, a letter or digit first",
    code: "bad-name",
  };
}

/** A duration between bounds, in milliseconds. */
export function durationBetween(least: number, most: number) {
  return textAs("a duration", "5s", (text) => {
    const value = parseDuration(text);
    if (value === undefined) {
      return {
        message: `${quote(text)} is not a duration`,
        hint: 'write it as "5s", "500ms" or "1h30m"',
        code: "bad-duration",
      };
    }
    if (value >= least && value <= most) return { value };
    const hint = `from ${formatDuration(least)} to ${formatDuration(most)}`;
    return { message: `${text} is out of range`, hint, code: "bad-duration" };
  });
}

/** A share in basis points, at least `least`. */
export function shareFrom(least: number) {
  return textAs("a share", "5%", (text) => {
    const parsed = parseWeight(text);
    if ("message" in parsed) return { ...parsed, code: "bad-weight" };
    if (parsed.basisPoints >= least) return { value: parsed.basisPoints };
    return { message: `${text} is too small`, hint: "0.01% is the least", code: "bad-weight" };
  });
}

/** `address:port` with an IP address, `[::1]:80` for IPv6. */
export function readAddress(text: string): { value: { address: string; port: number } } | Said {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,9})$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3] ?? 0);
  const kind = address.includes("%") ? 0 : isIP(address);
  if (match === null || kind === 0 || (kind === 6) !== (match[1] !== undefined)) return notAddress(text);
  const portIs = portProblem(port);
  return portIs ?? { value: { address: canonicalIp(address), port } };
}

function notAddress(text: string): Said {
  const message = `${quote(text)} is not an IP address and port`;
  const code = "not-an-address";
  if (isIP(text) === 4) return { message, hint: `the port is missing: "${text}:8080"`, code };
  const match = /^(?:(.*):)?(\d{1,5})$/.exec(text);
  if (match !== null && isIP(match[1] ?? "") === 6) return { message, hint: `write "[${match[1]}]:${match[2]}"`, code };
  if (isIP(text) === 6) return { message, hint: `write "[${text}]:8080"`, code };
  if (match?.[1] === "localhost") return { message, hint: `write "127.0.0.1:${match[2]}"`, code };
  if (match !== null && (match[1] ?? "") === "")
    return { message, hint: `write "0.0.0.0:${match[2]}" for all addresses`, code };
  return { message, code };
}

/** Why a number cannot be a port; undefined where it can. */
export function portProblem(port: number): Said | undefined {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return undefined;
  return { message: `${port} is not a port`, hint: "1 to 65535", code: "bad-port" };
}

/** One spelling for each address, so that the same one given twice is seen: `0:0::1` is `::1`. */
export function canonicalIp(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

const HOST_NAME =
  /^(?=.{1,253}$)[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?(?:\.[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?)*\.?$/;

/** `host:port` with a name that Envoy resolves. */
export function readHostAndPort(text: string): { value: { host: string; port: number } } | Said {
  if ("value" in readAddress(text)) {
    return {
      message: `${quote(text)} is an IP address, not a host name`,
      hint: `write endpoints: ["${text}"]`,
      code: "not-a-host",
    };
  }
  const match = /^([^:]+):(\d{1,9})$/.exec(text);
  if (match === null || !HOST_NAME.test(match[1] ?? "") || /^[\d.]+$/.test(match[1] ?? "")) {
    return {
      message: `${quote(text)} is not a host name and port`,
      hint: 'write it as "reviews.internal:8080"',
      code: "not-a-host",
    };
  }
  const port = Number(match[2]);
  return portProblem(port) ?? { value: { host: (match[1] ?? "").toLowerCase(), port } };
}
