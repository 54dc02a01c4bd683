/** What stands before a name in Envoy's list of what it could not take: `Error adding/updating cluster(s) a: …, b: …` (N4, N5). */
const BEFORE_NAME = /\(s\) |, |\n/g;

/** Colons that a name is looked for before, behind each place where one may begin: a name may have some of its own. */
const COLONS = 8;

/** How gRPC clients begin the list of what they could not take; it says each resource's place in the response. */
const BY_PLACE = "xDS response validation errors: [";
const PLACE = /(?:\[|; )resource index (\d+): /g;

/**
 * The resources that a client's refusal names, of those it was sent. The text is no stable interface and repeats whole
 * resources, so that nothing is looked for but the names that were sent (rule N7). None: it speaks of the whole response.
 */
export function culprits(words: string, sent: Sent): ReadonlySet<string> {
  if (words.startsWith(BY_PLACE)) return atPlaces(words, [...sent.keys()]);
  const found = new Set<string>();
  const starts = [0, ...[...words.matchAll(BEFORE_NAME)].map((match) => match.index + match[0].length)];
  for (const start of starts) {
    let colon = words.indexOf(": ", start);
    for (let tries = 0; colon !== -1 && tries < COLONS; tries += 1) {
      const name = words.slice(start, colon);
      if (sent.has(name)) found.add(name);
      colon = words.indexOf(": ", colon + 1);
    }
  }
  return found;
}

/** The names of a response, in its order. */
interface Sent {
  has(name: string): boolean;
  keys(): Iterable<string>;
}

function atPlaces(words: string, names: readonly string[]): ReadonlySet<string> {
  const places = [...words.matchAll(PLACE)].map(([, place]) => names[Number(place)]);
  return new Set(places.filter((name) => name !== undefined));
}
