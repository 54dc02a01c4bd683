/** What the admin interface of an Envoy answers; every call is one request with a bound of its own. */
export interface EnvoyAdmin {
  readonly url: string;
  /**
   * Counters and gauges as bigint (`remaining_*` goes beyond 2⁵³), text as string.
   *
   * @param filter a regular expression, in the syntax of RE2, that a name must contain
   */
  stats(filter?: string): Promise<Map<string, bigint | string>>;
  /** Name and `address:port` of each listener, as bound. */
  listeners(): Promise<Map<string, string>>;
  configDump(): Promise<Readonly<Record<string, unknown>>>;
  /** `LIVE`, `PRE_INITIALIZING`, …, or an empty string while the admin interface does not answer. */
  state(): Promise<string>;
}

const TIMEOUT_MS = 5_000;

export function adminOf(url: string): EnvoyAdmin {
  const get = async (path: string): Promise<string> => {
    const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.text();
  };
  return {
    url,
    stats: async (filter) =>
      parseStats(await get(filter === undefined ? "/stats" : `/stats?filter=${encodeURIComponent(filter)}`)),
    listeners: async () => parseListeners(await get("/listeners")),
    configDump: async () => JSON.parse(await get("/config_dump?include_eds")) as Record<string, unknown>,
    state: async () => (await get("/ready").catch(() => "")).trim(),
  };
}

/** `name: value` a line; a text readout is in quotes, a histogram is kept as Envoy writes it. */
export function parseStats(text: string): Map<string, bigint | string> {
  const stats = new Map<string, bigint | string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(": ");
    if (colon < 0) continue;
    const value = line.slice(colon + 2);
    stats.set(line.slice(0, colon), /^\d+$/.test(value) ? BigInt(value) : value.replace(/^"(.*)"$/, "$1"));
  }
  return stats;
}

/** `name::address:port` a line. */
function parseListeners(text: string): Map<string, string> {
  const listeners = new Map<string, string>();
  for (const line of text.split("\n")) {
    const at = line.lastIndexOf("::");
    if (at > 0) listeners.set(line.slice(0, at), line.slice(at + 2).trim());
  }
  return listeners;
}
