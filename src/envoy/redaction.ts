import { isSecretName, REDACTED } from "./sensitive.ts";

/*
 * Envoy's words about a refusal repeat the refused resource in protobuf's text form, with private keys in clear. What
 * is stored, logged or shown of them goes through here first. Everything in this file works on text alone, so that it
 * works as well for Envoys whose schema is not at hand.
 */

/** Longest text of a refusal that is kept, in characters. */
const KEPT_LIMIT = 2_048;

/** More than any Envoy says (it cuts at 4,096 bytes); the rest of a longer text is dropped unread. */
const READ_LIMIT = 16_384;

/**
 * Fields that Envoy's API marks as sensitive, by their names alone, and those that hold a value of any kind. A test
 * holds the list against the marks of the schema. `private_key_provider` stands for its `typed_config`.
 */
export const SENSITIVE_NAMES: readonly string[] = [
  "auth_password",
  "auth_username",
  "backend_token",
  "context_extensions",
  "credentials",
  "credentials_data_source",
  "downstream_auth_password",
  "downstream_auth_passwords",
  "downstream_auth_username",
  "inline_bytes",
  "inline_string",
  "keys",
  "password",
  "pkcs12",
  "private_key",
  "private_key_provider",
  "secret",
  "secret_access_key",
  "secret_data",
  "secrets",
  "session_ticket_keys",
  "session_token",
  "users",
  "web_identity_token_data_source",
];

/** The text of a refusal made fit to store and to show: without secrets, of bounded length, its reason kept. */
export function redactRefusal(text: string): string {
  const read = text.length > READ_LIMIT ? `${text.slice(0, READ_LIMIT)}…` : text;
  return inOnePiece(shorten(redactText(printable(read))));
}

/** A text that was cut out of another keeps that one in memory, eight times as long. */
function inOnePiece(text: string): string {
  return Array.from(text).join("");
}

/**
 * The reason in a refusal, without the dumps of messages around it: `Proto constraint validation failed (…)`. Undefined
 * where there is none, since Envoy cuts long texts and the reason stands behind the dump.
 */
export function refusalReason(text: string): string | undefined {
  const [head = "", ...dumped] = text.slice(0, READ_LIMIT).split(/goo\.gle\/debug\w*[ \t]*\n?/);
  const parts = [head, ...dumped.map(withoutDump)];
  const whole = parts.reduce((said, part) => joined(said, part), "");
  const reason = trimmed(dumped.length === 0 ? behindUnmarkedDump(whole) : whole);
  return reason === "" || reason === "...(truncated)" ? undefined : reason;
}

/** Without what is left around a dump that was taken out. */
function trimmed(text: string): string {
  let end = text.length;
  while (end > 0 && " \t\n:,".includes(text.charAt(end - 1))) end--;
  return text.slice(0, end).trimStart();
}

function redactText(text: string): string {
  return redactHeaders(redactKeyFiles(redactFields(text)));
}

/** `name {`, `name: "`, `"name": [` and so on, also in camelCase and within a string; what follows is the value. */
const FIELD = new RegExp(
  `\\b(?:${SENSITIVE_NAMES.flatMap((name) => [name, camelCase(name)]).join("|")})\\b` +
    `\\\\*["']?\\s*(?::\\s*(?=\\\\*["']|[{[])|(?=[{[]))`,
  "g",
);

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function redactFields(text: string): string {
  let result = "";
  let at = 0;
  FIELD.lastIndex = 0;
  for (let found = FIELD.exec(text); found !== null; found = FIELD.exec(text)) {
    const start = found.index + found[0].length;
    const end = endOfValue(text, start);
    const isBlock = text[start] === "{" || text[start] === "[";
    result += text.slice(at, start) + (isBlock ? `{ ${REDACTED} }` : `"${REDACTED}"`);
    at = end;
    FIELD.lastIndex = end;
  }
  return result + text.slice(at);
}

/** Behind the string or the block that begins here; the end of the text where it was cut. */
function endOfValue(text: string, start: number): number {
  const quote = /^\\+["']/.exec(text.slice(start, start + 20))?.[0];
  if (quote !== undefined) return endOfEscaped(text, start, quote);
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at] ?? "";
    if (character === '"' || character === "'") at = endOfString(text, at) - 1;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    if (depth <= 0) return at + 1;
  }
  return text.length;
}

/** A string within a string ends with the quote that it begins with. */
function endOfEscaped(text: string, start: number, quote: string): number {
  const end = text.indexOf(quote, start + quote.length);
  return end === -1 ? text.length : end + quote.length;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === text[start]) return at + 1;
  }
  return text.length;
}

/** A key or certificate in PEM, wherever it stands: up to its end, to that of its string, or of the text. */
const PEM = /-----BEGIN [^"\n\\-]*-----(?:(?!-----END )[^"])*(?:-----END [^"\n\\-]*-----)?/g;

function redactKeyFiles(text: string): string {
  return text.replace(PEM, REDACTED);
}

/** Headers of configuration, and messages of a type that this Envoy cannot show field by field. */
const PAIR = /\b(key|type_url)(:\s*)"((?:[^"\\]|\\.)*)"(\s*)(value|raw_value)(:\s*)"(?:[^"\\]|\\.)*(?:"|$)/g;

function redactHeaders(text: string): string {
  return text.replace(PAIR, (whole: string, ...groups: readonly string[]) => {
    const [name, colon, key = "", space, field, separator] = groups;
    if (name === "key" && !isSecretName(key)) return whole;
    return `${name}${colon}"${key}"${space}${field}${separator}"${REDACTED}"`;
  });
}

/** Control characters would act on the terminal of whoever reads this. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
}

/** Cut in the middle: who is meant stands first, and why stands last. */
function shorten(text: string): string {
  if (text.length <= KEPT_LIMIT) return text;
  const head = Math.floor(KEPT_LIMIT / 3);
  const tail = KEPT_LIMIT - head - 60;
  const left = text.length - head - tail;
  return `${text.slice(0, head)}\n… ${left} characters left out …\n${text.slice(-tail)}`;
}

/** What follows a dump: all lines of text form are left out, up to the first that is none. */
function withoutDump(part: string): string {
  const lines = part.split("\n");
  const end = lines.findIndex((line) => !isDumpLine(line));
  return end === -1 ? "" : lines.slice(end).join("\n");
}

/** `name: "a"`, `endpoints {`, `[type.googleapis.com/…] {`, `}`, or nothing. */
function isDumpLine(line: string): boolean {
  return /^(?:(?:[\w.-]+|\[[\w./-]+\])\s*(?::\s*\S.*|\{.*)|[}\]]+)?$/.test(line.trim());
}

/** Envoys before 1.33 do not mark their dumps; what can be told apart is what they refuse most often. */
function behindUnmarkedDump(text: string): string {
  const at = text.lastIndexOf(": Proto constraint validation failed");
  if (at === -1) return text;
  const prefix = /^Error adding\/updating \w+\(s\) [^\s:]+: /.exec(text)?.[0] ?? "";
  return `${prefix}${text.slice(at + 2)}`;
}

function joined(said: string, part: string): string {
  const before = said.trimEnd();
  return before.endsWith(":") ? `${before} ${part.replace(/^[\s:]+/, "")}` : said + part.replace(/^[\s:]+/, "");
}
