import { z } from "zod";
import { address, object, words, wrongKind } from "./forms.ts";
import { gateway, nodes } from "./gateway-schema.ts";
import { say } from "./said.ts";
import { service } from "./service-schema.ts";
import { nameOf } from "./values.ts";

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
