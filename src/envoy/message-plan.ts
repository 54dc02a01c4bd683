import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { type Collect, collectorOf, OWN_STREAMS } from "./references.ts";
import { type ReadWellKnown, readWellKnown } from "./well-known-json.ts";

/** What of a message counts where its JSON is read, found out once for each. */
export interface MessagePlan {
  readonly message: DescMessage;
  /** By both spellings of their names. */
  readonly fields: ReadonlyMap<string, DescField>;
  /** How it is read that has a form of its own in JSON. */
  readonly wellKnown: ReadWellKnown | undefined;
  /** How its own references are found, where it has any. */
  readonly collect: Collect | undefined;
  /** What it refers to is none of ours. */
  readonly isOwnStream: boolean;
}

const plans = new WeakMap<DescMessage, MessagePlan>();

/** The plan of a message. */
export function planOf(message: DescMessage): MessagePlan {
  const known = plans.get(message);
  if (known !== undefined) return known;
  const plan = {
    message,
    fields: new Map(message.fields.flatMap((field) => [[field.jsonName, field] as const, [field.name, field]])),
    wellKnown: readWellKnown(message),
    collect: collectorOf(message),
    isOwnStream: message.typeName === OWN_STREAMS,
  };
  plans.set(message, plan);
  return plan;
}
