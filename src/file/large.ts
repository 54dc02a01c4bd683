/** Text of more characters than this can take long to read: 32 Ki are read within tens of milliseconds, whatever they say. */
const TEXT_LIMIT = 32 * 1024;

/** What a part of a value counts for besides its texts. */
const PART = 16;

/** Can reading this take so long that others would notice? Looks at no more of it than it must. */
export function isLarge(root: unknown): boolean {
  let room = TEXT_LIMIT;
  const open: unknown[] = [root];
  while (open.length > 0 && room >= 0) {
    const value = open.pop();
    room -= typeof value === "string" ? value.length : PART;
    if (typeof value !== "object" || value === null) continue;
    for (const key of Object.keys(value)) {
      room -= key.length;
      if (room < 0) return true;
      open.push((value as Readonly<Record<string, unknown>>)[key]);
    }
  }
  return room < 0;
}
