const ZERO = "0".charCodeAt(0);
const MINUS = "-".charCodeAt(0);

/** Seconds and nanoseconds of a protobuf Duration in JSON, `-1.5s`, both with its sign. */
export function partsOf(duration: string): { readonly seconds: number; readonly nanos: number } {
  const sign = duration.charCodeAt(0) === MINUS ? -1 : 1;
  let seconds = 0;
  let nanos = 0;
  // What a digit behind the point counts; 0 before that.
  let unit = 0;
  for (let at = sign === 1 ? 0 : 1; at < duration.length - 1; at += 1) {
    const digit = duration.charCodeAt(at) - ZERO;
    if (digit < 0) unit = 1e9;
    else if (unit === 0) seconds = seconds * 10 + digit;
    else nanos += digit * unit;
    unit /= 10;
  }
  return { seconds: sign * seconds, nanos: sign * nanos };
}
