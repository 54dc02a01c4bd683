/** What clients do wrong is told so often in a while, and what is left out is counted; times in milliseconds. */
const LIMIT = { messages: 20, windowMs: 10_000 };

/**
 * Warnings that outsiders can cause: whoever comes back ten times a second must not fill the log.
 *
 * @param now milliseconds of any clock
 */
export function boundedWarnings(warn: (message: string) => void, now: () => number): (message: string) => void {
  let since = Number.NEGATIVE_INFINITY;
  let told = 0;
  let left = 0;
  return (message) => {
    const moment = now();
    if (moment - since >= LIMIT.windowMs) {
      if (left > 0) warn(`${left} more warnings about clients were left out in ${LIMIT.windowMs / 1_000} s`);
      since = moment;
      told = 0;
      left = 0;
    }
    if (told < LIMIT.messages) warn(message);
    else left += 1;
    told += 1;
  };
}
