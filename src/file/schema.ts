import { z } from "zod";
import { domainProblem, pathProblem, regexProblem } from "./patterns.ts";
import { either, quote, type Said, say } from "./said.ts";
import {
  canonicalIp,
  durationBetween,
  nameOf,
  nameProblem,
  readAddress,
  readHostAndPort,
  shareFrom,
  textAs,
} from "./values.ts";
import { isIP } from "node:net";

const DAY_MS = 86_400_000;

/** An object without other keys. What it says of an unknown key is the list of the known ones, for the suggestion. */
function object<Shape extends z.core.$ZodLooseShape>(what: string, shape: Shape) {
  return z.strictObject(shape, {
    error(issue) {
      if (issue.code === "unrecognized_keys")
        return say({ message: Object.keys(shape).join(" "), code: "unknown-key" });
      return say(wrongKind(issue.input, what, `a mapping with ${either(Object.keys(shape).slice(0, 3))}`));
    },
  });
}

/** Rules over a whole mapping say nothing more where its parts are wrong already. */
function isSoundSoFar(payload: { readonly issues: readonly unknown[] }): boolean {
  return payload.issues.length === 0;
}

function list<Item extends z.ZodType>(what: string, item: Item) {
  return z
    .array(item, { error: (issue) => say(wrongKind(issue.input, what, "a list")) })
    .min(1, { error: say({ message: `${what} is an empty list`, code: "empty-list" }) });
}

function wrongKind(input: unknown, what: string, kind: string): Said {
  if (input === undefined) return { message: `${what} is missing`, code: "missing" };
  if (input === null) return { message: `${what} says nothing`, hint: `it is ${kind}`, code: "wrong-type" };
  return { message: `${what} is ${kind}, not ${quote(input)}`, code: "wrong-type" };
}

/** One word, where the other form is a mapping. */
function word<const Word extends string>(what: string, only: Word, otherwise: string) {
  return z.literal(only, {
    error(issue) {
      if (issue.input === undefined) return say({ message: `${what} is missing`, hint: otherwise, code: "missing" });
      return say({ message: `${what} is ${only}, not ${quote(issue.input)}`, hint: otherwise, code: "wrong-value" });
    },
  });
}

function integerBetween(what: string, least: number, most: number) {
  const said = (input: unknown): string =>
    input === undefined
      ? say({ message: `${what} is missing`, code: "missing" })
      : say({
          message: `${what} is a whole number from ${least} to ${most}, not ${quote(input)}`,
          code: "wrong-value",
        });
  return z
    .int({ error: (issue) => said(issue.input) })
    .min(least, { error: (issue) => said(issue.input) })
    .max(most, {
      error: (issue) => said(issue.input),
    });
}

/** A text that is free but not empty, such as an owner or a reason. */
function words(what: string, example: string, limit = 200) {
  return textAs(what, example, (text) => {
    if (text.trim() === "") return { message: `${what} is empty`, hint: `for example ${example}`, code: "missing" };
    if (text.length > limit) return { message: `${what} is longer than ${limit} characters`, code: "too-long" };
    return { value: text };
  });
}

function checked(what: string, example: string, problem: (text: string) => Said | undefined) {
  return textAs(what, example, (text) => problem(text) ?? { value: text });
}

/** Names that people give to things in a mapping: versions. */
function namedBy<Value extends z.ZodType>(what: string, value: Value) {
  const key = z.string().superRefine((text, context) => {
    const problem = nameProblem(text);
    if (problem !== undefined)
      context.addIssue({ code: "custom", message: say({ ...problem, code: "bad-version-name" }) });
  });
  return z.record(key, value, {
    error: (issue) => say(wrongKind(issue.input, what, "a mapping from version to value")),
  });
}

const regex = checked("a regular expression", '"/items/[0-9]+"', regexProblem);

const port = integerBetween("a port", 1, 65_535);

const ip = textAs("an IP address", "127.0.0.1", (text) =>
  isIP(text) !== 0 && !text.includes("%")
    ? { value: canonicalIp(text) }
    : { message: `${quote(text)} is not an IP address`, hint: "write dns: for a host name", code: "not-an-address" },
);

const address = textAs("an address and port", '"127.0.0.1:8080"', readAddress).meta({
  description: 'An IP address and port: "127.0.0.1:8080", "[::1]:8080".',
});

const endpointText = textAs("an address and port", '"127.0.0.1:9001"', (text) => {
  const read = readAddress(text);
  if ("value" in read) return { value: { ...read.value, zone: "", weight: 1 } };
  const host = /^[^:/\s]*[a-zA-Z][^:/\s]*:\d{1,5}$/.test(text);
  return host ? { ...read, hint: `write dns: ${quote(text)} for a host name` } : read;
});

const endpoint = z.union([
  endpointText,
  object("an endpoint", {
    address: ip.meta({ description: "An IP address." }),
    port,
    zone: words("a zone", "eu-west-1a", 100).default("").meta({ description: "The availability zone it is in." }),
    weight: integerBetween("the weight of an endpoint", 1, 10_000).default(1).meta({
      description: "Its share among the endpoints of the version, relative to theirs.",
    }),
  }),
]);

const protocol = z
  .union([
    word("protocol", "http2", 'for HTTP/1.1 write { http1: "why it cannot" }'),
    object("protocol", { http1: words("the reason for HTTP/1.1", '{ http1: "legacy server, until March" }') }),
  ])
  .meta({ description: "What the servers speak. HTTP/2 unless there is a reason, which is written down here." });

const version = object("a version", {
  endpoints: list("endpoints", endpoint).optional().meta({ description: "IP addresses and ports." }),
  dns: textAs("a host name and port", '"reviews.internal:8080"', readHostAndPort).optional().meta({
    description: "A host name and port, resolved by Envoy.",
  }),
  protocol: protocol.optional(),
}).refine((value) => (value.endpoints === undefined) !== (value.dns === undefined), {
  when: isSoundSoFar,
  error(issue) {
    const both = typeof issue.input === "object" && issue.input !== null && "endpoints" in issue.input;
    const which = both ? "both endpoints and dns" : "neither endpoints nor dns";
    return say({ message: `a version has ${which}`, hint: "give one of them", code: "no-endpoints" });
  },
});

const service = object("a service", {
  name: nameOf("a service").meta({ description: "Its name, also the Host under which sidecars reach it." }),
  owner: words("owner", '"@shop"').meta({ description: "Who answers for it." }),
  tier: integerBetween("tier", 0, 3).optional().meta({ description: "0 (most critical) to 3; 2 if left out." }),
  protocol: protocol.optional(),
  timeout: durationBetween(1, DAY_MS)
    .optional()
    .meta({ description: "For the whole request with its retries; 15s if left out." }),
  retries: object("retries", {
    attempts: integerBetween("attempts", 0, 10)
      .optional()
      .meta({ description: "Tries after the first; 1 if left out, 0 for none." }),
    budget: shareFrom(1)
      .optional()
      .meta({ description: "The most of the active requests that may be retries; 20% if left out." }),
  })
    .optional()
    .meta({ description: "Only for requests that cannot have reached the application." }),
  versions: namedBy("versions", version).meta({ description: "Each is one Envoy cluster." }),
  traffic: namedBy("traffic", shareFrom(0)).optional().meta({
    description: "The split that a new service starts with, 100% in all. From then on only rollouts move it.",
  }),
  dependsOn: z
    .array(nameOf("a service"), { error: (issue) => say(wrongKind(issue.input, "dependsOn", "a list of services")) })
    .optional()
    .meta({ description: "The services that its sidecar is given, and nothing else." }),
});

/** One value or a list of them. */
function oneOrMore<Item extends z.ZodType>(what: string, item: Item) {
  return z.union([item, list(what, item)]);
}

const nodes = z
  .union([
    word("nodes", "all", "write all, or for example { cluster: edge }"),
    object("nodes", {
      cluster: oneOrMore("cluster", words("the node.cluster of an Envoy", "edge")).optional(),
      id: oneOrMore("id", words("the node.id of an Envoy", "edge-1")).optional(),
      labels: z
        .record(z.string(), oneOrMore("a label", words("the value of a label", '"prod"')), {
          error: (issue) => say(wrongKind(issue.input, "labels", "a mapping")),
        })
        .optional(),
    }).refine((value) => Object.values(value).some((part) => part !== undefined && !isEmptyObject(part)), {
      when: isSoundSoFar,
      error: say({
        message: "nodes selects by nothing",
        hint: "give cluster, id or labels, or write all",
        code: "empty-selector",
      }),
    }),
  ])
  .meta({
    description: "Which Envoys: by node.cluster, node.id or labels (node.metadata); all of what is given must match.",
  });

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** Exactly one of the keys of a matcher. */
function exactlyOne(keys: readonly string[], what: string) {
  return {
    params: {
      when: isSoundSoFar,
      error: say({ message: `${what} has exactly one of ${either(keys)}`, code: "wrong-value" }),
    },
    check: (value: Readonly<Record<string, unknown>>) =>
      Object.values(value).filter((part) => part !== undefined).length === 1,
  };
}

const onePath = exactlyOne(["exact", "regex"], "path");

const path = z
  .union([
    checked("a path", '"/reviews"', (text) => pathProblem(text, "prefix")),
    object("path", {
      exact: checked("a path", '"/reviews"', (text) => pathProblem(text, "exact")).optional(),
      regex: regex.optional(),
    }).refine(onePath.check, onePath.params),
  ])
  .meta({
    description:
      '"/reviews" matches it and everything below it, not "/reviewsX"; or {exact: …}, or {regex: …} for all of the path.',
  });

function matcher(what: string) {
  const one = exactlyOne(["exact", "regex", "present"], what);
  return z.union([
    words(what, '"yes"', 1_000),
    object(what, {
      exact: words(what, '"yes"', 1_000).optional(),
      regex: regex.optional(),
      present: z
        .boolean({
          error: (issue) => say({ message: `present is true or false, not ${quote(issue.input)}`, code: "wrong-type" }),
        })
        .optional(),
    }).refine(one.check, one.params),
  ]);
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function matchers(what: string, keyProblem: (text: string) => Said | undefined) {
  const key = z.string().superRefine((text, context) => {
    const problem = keyProblem(text);
    if (problem !== undefined) context.addIssue({ code: "custom", message: say(problem) });
  });
  return z.record(key, matcher(what), {
    error: (issue) => say(wrongKind(issue.input, what, "a mapping from name to value")),
  });
}

const route = object("a route", {
  path,
  methods: oneOrMore(
    "methods",
    checked("a method", "GET", (text) =>
      /^[A-Z][A-Z-]{0,30}$/.test(text)
        ? undefined
        : { message: `${quote(text)} is not a method`, hint: "in capitals: GET", code: "bad-method" },
    ),
  ).optional(),
  headers: matchers("a header", (text) =>
    token.test(text) && text.length <= 200
      ? undefined
      : { message: `${quote(text)} is not the name of a header`, code: "bad-header" },
  )
    .optional()
    .meta({ description: "All must match: a text for equality, {regex: …} or {present: …}." }),
  query: matchers("a query parameter", (text) =>
    text !== "" && text.length <= 200
      ? undefined
      : { message: `${quote(text)} is not the name of a query parameter`, code: "bad-query" },
  )
    .optional()
    .meta({ description: "All must match, as with headers." }),
  to: nameOf("a service").meta({ description: "The service it goes to, split over its versions by their weights." }),
  timeout: durationBetween(1, DAY_MS).optional().meta({ description: "Overrides the service's." }),
  mirror: object("mirror", {
    to: nameOf("a service"),
    version: nameOf("a version"),
    percent: shareFrom(1).meta({ description: "The share of the requests that is copied." }),
  })
    .optional()
    .meta({ description: "Copies requests to a version; its answers are thrown away." }),
});

const gateway = object("a gateway", {
  name: nameOf("a gateway"),
  nodes,
  listen: address,
  hosts: list(
    "hosts",
    object("a host", {
      domains: oneOrMore("domains", checked("a domain", '"shop.example"', domainProblem)).meta({
        description: 'Values of Host without port: "shop.example", "*.shop.example", "*".',
      }),
      routes: list("routes", route).meta({ description: "Tried in this order; the first that matches wins." }),
    }),
  ),
});

const sidecar = object("a sidecar", {
  service: nameOf("a service"),
  nodes: nodes.optional(),
  inbound: address.optional().meta({ description: "Listens here and forwards to the application." }),
  app: address.optional().meta({ description: "Where the application itself listens." }),
  outbound: address.optional().meta({ description: "The application calls its dependencies here, by Host." }),
});

const resource = z
  .looseObject(
    { nodes, "@type": words("@type", "type.googleapis.com/envoy.config.cluster.v3.Cluster", 300) },
    {
      error: (issue) => say(wrongKind(issue.input, "a resource", "a mapping")),
    },
  )
  .meta({ description: "An Envoy resource in Envoy's own JSON, checked like all others." });

/** The shape of a mesh file, as people write it in, with texts read out (durations in ms, shares in basis points). */
export const meshFile = object("a mesh file", {
  services: z.array(service, { error: (issue) => say(wrongKind(issue.input, "services", "a list")) }).optional(),
  gateways: z.array(gateway, { error: (issue) => say(wrongKind(issue.input, "gateways", "a list")) }).optional(),
  sidecars: z.array(sidecar, { error: (issue) => say(wrongKind(issue.input, "sidecars", "a list")) }).optional(),
  resources: z.array(resource, { error: (issue) => say(wrongKind(issue.input, "resources", "a list")) }).optional(),
}).meta({
  title: "Belay mesh file",
  description: "Services with versions and endpoints, gateways, sidecars and raw Envoy resources.",
});

export type MeshFile = z.output<typeof meshFile>;
export type FileService = NonNullable<MeshFile["services"]>[number];
export type FileRoute = NonNullable<MeshFile["gateways"]>[number]["hosts"][number]["routes"][number];
export type FileNodes = NonNullable<MeshFile["gateways"]>[number]["nodes"];
export type FileMatchers = NonNullable<FileRoute["headers"]>;
