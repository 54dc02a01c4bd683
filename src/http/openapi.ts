import { z } from "zod";
import type { Answer, Operation } from "./operation.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * The OpenAPI 3.1 document of these operations, from the schemas that check their requests.
 *
 * @param components every schema that an operation uses, by name
 */
export function openApi(
  operations: readonly Operation[],
  components: Readonly<Record<string, z.ZodType>>,
  version: string,
): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(components)) registry.add(schema, { id });
  const nameOf = (schema: z.ZodType): string => registry.get(schema)?.id ?? "Unknown";
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation, nameOf) };
  }
  const { schemas } = z.toJSONSchema(registry, { uri: reference, io: "input", unrepresentable: "any" });
  return {
    openapi: "3.1.0",
    info: {
      title: "Belay",
      version,
      description:
        "The control plane's API. Weights are basis points (10,000 are all traffic), times RFC 3339 in UTC. " +
        "Lists are newest first, the journal oldest first.",
    },
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, withoutIds(schema)])),
    },
  };
}

function reference(id: string): string {
  return `#/components/schemas/${id}`;
}

function withoutIds({ $schema: _schema, $id: _id, id: _plain, ...rest }: Json): Json {
  return rest;
}

function describe(operation: Operation, nameOf: (schema: z.ZodType) => string): Json {
  const { path, summary, body, answers } = operation;
  const content = (type: string, schema?: z.ZodType): Json => ({
    content: { [type]: schema === undefined ? {} : { schema: { $ref: reference(nameOf(schema)) } } },
  });
  const answer = ({ means, schema, type }: Answer): Json => ({
    description: means,
    ...(schema === undefined && type === undefined ? {} : content(type ?? "application/json", schema)),
  });
  return {
    operationId: `${operation.method} ${path}`.replace(/[^A-Za-z0-9]+/g, "_").replace(/_$/, ""),
    summary,
    parameters: [...pathParameters(path), ...queryParameters(operation), ...headerParameters(operation)],
    ...(body === undefined ? {} : { requestBody: { required: true, ...content("application/json", body) } }),
    responses: Object.fromEntries(Object.entries(answers).map(([status, one]) => [status, answer(one)])),
  };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters({ query }: Operation): Json[] {
  if (query === undefined) return [];
  const { properties = {} } = z.toJSONSchema(query, { io: "output" });
  return Object.entries(properties).map(([name, schema]) => ({ name, in: "query", required: false, schema }));
}

function headerParameters({ method, answers }: Operation): Json[] {
  if (method !== "post") return [];
  const header = (name: string): Json => ({ name, in: "header", required: false, schema: { type: "string" } });
  return [header("Idempotency-Key"), header("X-Belay-By"), ...(412 in answers ? [header("If-Match")] : [])];
}
