/** Seconds and nanoseconds of a protobuf Duration in JSON, `-1.5s`, both with its sign. */
export function partsOf(duration: string): { readonly seconds: number; readonly nanos: number } {
  const end = duration.length - 1;
  const dot = duration.indexOf(".");
  if (dot === -1) return { seconds: Number(duration.slice(0, end)), nanos: 0 };
  const fraction = duration.slice(dot + 1, end);
  const nanos = Number(fraction) * 10 ** (9 - fraction.length);
  return { seconds: Number(duration.slice(0, dot)), nanos: duration.startsWith("-") ? -nanos : nanos };
}
