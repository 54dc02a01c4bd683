import type { LiveStream } from "../../src/control/node-entry.ts";

/** A stream that says nothing. */
export const QUIET: LiveStream = {
  scope: undefined,
  stream: undefined,
  owesChange: false,
  adopt() {},
  refresh() {},
  owe() {},
  wake() {},
  mayRetire: () => false,
  end() {},
};
