import type { DescMessage, Registry } from "@bufbuild/protobuf";
import { Complaints } from "./complaints.ts";
import type { Constraints, MessageConstraints } from "./constraints.ts";
import { References } from "./references.ts";

/** Messages inside of messages. Envoy's own decoder refuses more. */
const DEPTH_LIMIT = 100;

/** The state of one walk over JSON that is read as a message. */
export class Reading extends Complaints {
  readonly registry: Registry;
  readonly envoyVersion: string;
  /** Collects what the messages refer to; undefined within those whose references are none of ours. */
  references: References | undefined = new References();
  #depth = 0;
  #constraints: Constraints | undefined;

  constructor(registry: Registry, envoyVersion: string, constraints: Constraints | undefined) {
    super();
    this.registry = registry;
    this.envoyVersion = envoyVersion;
    this.#constraints = constraints;
  }

  /** The rules for a message; undefined where they do not count. */
  rulesOf(message: DescMessage): MessageConstraints | undefined {
    return this.#constraints?.of(message);
  }

  withoutRules<T>(read: () => T): T {
    const constraints = this.#constraints;
    this.#constraints = undefined;
    const result = read();
    this.#constraints = constraints;
    return result;
  }

  /** Counts one more level of messages; false, with a problem, where that is too deep to go on. */
  descend(): boolean {
    if (this.#depth >= DEPTH_LIMIT) {
      this.complain({ message: `more than ${DEPTH_LIMIT} levels deep, which Envoy refuses`, code: "too-deep" });
      return false;
    }
    this.#depth++;
    return true;
  }

  ascend(): void {
    this.#depth--;
  }
}
