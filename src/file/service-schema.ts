import { isIP } from "node:net";
import { z } from "zod";
import { DAY_MS, integerBetween, isSoundSoFar, list, namedBy, object, word, words, wrongKind } from "./forms.ts";
import { quote, say } from "./said.ts";
import { canonicalIp, durationBetween, nameOf, readAddress, readHostAndPort, shareFrom, textAs } from "./values.ts";

const port = integerBetween("a port", 1, 65_535);

const ip = textAs("an IP address", "127.0.0.1", (text) =>
  isIP(text) !== 0 && !text.includes("%")
    ? { value: canonicalIp(text) }
    : { message: `${quote(text)} is not an IP address`, hint: "write dns: for a host name", code: "not-an-address" },
);

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

/** A service with its versions, as people write it. */
export const service = object("a service", {
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
  versions: namedBy("versions", '{ v1: { endpoints: ["127.0.0.1:9001"] } }', version).meta({
    description: "Each is one Envoy cluster.",
  }),
  traffic: namedBy("traffic", "{ v1: 95%, v2: 5% }", shareFrom(0)).optional().meta({
    description: "The split that a new service starts with, 100% in all. From then on only rollouts move it.",
  }),
  dependsOn: z
    .array(nameOf("a service"), { error: (issue) => say(wrongKind(issue.input, "dependsOn", "a list of services")) })
    .optional()
    .meta({ description: "The services that its sidecar is given, and nothing else." }),
});
