import type { z } from "zod";
import { invalid } from "./answer.ts";
import type { Serving } from "./backend.ts";
import { problemsOf } from "./issues.ts";
import { readJson } from "./read-body.ts";

/** A request to one operation, read and checked. */
export interface Call<Query, Body> {
  readonly backend: Serving;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly request: Request;
}

/** What a client may be answered, for the OpenAPI document; a schema must be one of `components`. */
export interface Answer {
  readonly means: string;
  readonly schema?: z.ZodType;
  readonly type?: string;
}

/** One method on one path: what it takes, what it answers, and what it does. */
export interface Operation {
  readonly method: "get" | "post";
  /** `/v1/nodes/{id}` */
  readonly path: string;
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly answers: Readonly<Record<number, Answer>>;
  run(backend: Serving, request: Request, params: Readonly<Record<string, string>>): Promise<Response>;
}

interface Draft<Q extends z.ZodObject, B extends z.ZodType> extends Omit<Operation, "run" | "query" | "body"> {
  readonly query?: Q;
  readonly body?: B;
  readonly handle: (call: Call<z.output<Q>, z.output<B>>) => Response | Promise<Response>;
}

/** Makes an operation whose handler sees only what its schemas let through; anything else is 422. */
export function operation<Q extends z.ZodObject, B extends z.ZodType>(draft: Draft<Q, B>): Operation {
  const { handle, ...described } = draft;
  return {
    ...described,
    async run(backend, request, params) {
      // `?after=` is what a script sends that has no place yet: the same as nothing.
      const said = [...new URL(request.url).searchParams].filter(([, value]) => value !== "");
      const asked = Object.fromEntries(said);
      const query = checked(draft.query, asked) as z.output<Q>;
      const body = (draft.body === undefined ? undefined : checked(draft.body, await readJson(request))) as z.output<B>;
      return handle({ backend, params, query, body, request });
    },
  };
}

function checked(schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(problemsOf(result.error.issues, value));
}
