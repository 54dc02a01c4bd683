import { z } from "zod";
import {
  address,
  checked,
  DAY_MS,
  exactlyOne,
  isSoundSoFar,
  list,
  object,
  oneOrMore,
  regex,
  word,
  words,
  wrongKind,
} from "./forms.ts";
import { domainProblem, pathProblem } from "./patterns.ts";
import { quote, type Said, say } from "./said.ts";
import { durationBetween, nameOf, shareFrom } from "./values.ts";

/** Which Envoys something is for. */
export const nodes = z
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

/** A value of a header or query parameter. Envoy can ask for a header to be absent, not for a query parameter. */
function matcher(what: string, mayBeAbsent: boolean) {
  const one = exactlyOne(["exact", "regex", "present"], what);
  const present = z
    .boolean({
      error: (issue) => say({ message: `present is true or false, not ${quote(issue.input)}`, code: "wrong-type" }),
    })
    .refine((value) => value || mayBeAbsent, {
      error: say({ message: "Envoy cannot ask that a query parameter is absent", code: "wrong-value" }),
    });
  return z.union([
    words(what, '"yes"', 1_000),
    object(what, {
      exact: words(what, '"yes"', 1_000).optional(),
      regex: regex.optional(),
      present: present.optional(),
    }).refine(one.check, one.params),
  ]);
}

function keyed<Value extends z.ZodType>(what: string, keyProblem: (text: string) => Said | undefined, value: Value) {
  const key = z.string().superRefine((text, context) => {
    const problem = keyProblem(text);
    if (problem !== undefined) context.addIssue({ code: "custom", message: say(problem) });
  });
  return z.record(key, value, {
    error: (issue) => say(wrongKind(issue.input, what, "a mapping from name to value")),
  });
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}$/;

const headers = keyed(
  "headers",
  (text) =>
    TOKEN.test(text) ? undefined : { message: `${quote(text)} is not the name of a header`, code: "bad-header" },
  matcher("the value of a header", true),
);

const query = keyed(
  "query",
  (text) =>
    text !== "" && text.length <= 200
      ? undefined
      : { message: `${quote(text)} is not the name of a query parameter`, code: "bad-query" },
  matcher("the value of a query parameter", false),
);

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
  headers: headers.optional().meta({ description: "All must match: a text for equality, {regex: …} or {present: …}." }),
  query: query.optional().meta({ description: "All must match, as with headers." }),
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

/** A gateway with its hosts and routes, as people write it. */
export const gateway = object("a gateway", {
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
