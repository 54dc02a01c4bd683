import type { Codec } from "./codec.ts";

/**
 * A codec that begins with the part of an API that most meshes need, and gives way to the whole at the first question
 * that the part cannot answer. What the part encodes, the whole encodes to the same bytes: it has the same messages and
 * more, so only a refusal can be for want of a message. To open the whole takes about 0.3 s of processor time and
 * 15 MB, which a start then does without.
 *
 * @param openWhole called once at most
 */
export function growingCodec(part: Codec, openWhole: () => Codec): Codec {
  let opened: Codec | undefined;
  const whole = (): Codec => (opened ??= openWhole());
  return {
    envoyVersion: part.envoyVersion,
    encode: (json) => {
      const encoded = (opened ?? part).encode(json);
      return "problems" in encoded && opened === undefined ? whole().encode(json) : encoded;
    },
    check: (typeUrl, json) => {
      const problems = (opened ?? part).check(typeUrl, json);
      return problems.length > 0 && opened === undefined ? whole().check(typeUrl, json) : problems;
    },
    // An Any whose type the part lacks would be told as bytes, not as a failure.
    decode: (typeUrl, bytes) => whole().decode(typeUrl, bytes),
    decodeRedacted: (typeUrl, bytes) => whole().decodeRedacted(typeUrl, bytes),
    hasField: (message, field) => part.hasField(message, field) || whole().hasField(message, field),
  };
}
