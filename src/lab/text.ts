/** A piece of a line, with a word for its look. Colour never says what the text does not. */
export interface Piece {
  readonly text: string;
  readonly look?: Look;
}

export type Look = "quiet" | "strong" | "new" | "good" | "needs-a-person" | "wrong";

/** A line of the terminal. One that is to be copied goes on in the next row instead of being cut. */
export interface Line {
  readonly pieces: readonly Piece[];
  readonly toCopy?: boolean;
}

const CODES: Readonly<Record<Look, string>> = {
  quiet: "2",
  strong: "1",
  new: "34",
  good: "32",
  "needs-a-person": "33",
  wrong: "31",
};

export function line(...pieces: readonly (string | Piece)[]): Line {
  return { pieces: pieces.map((piece) => (typeof piece === "string" ? { text: piece } : piece)) };
}

/** The rows of the terminal that a line takes. */
export function rowsOf({ pieces, toCopy }: Line, columns: number): number {
  if (toCopy !== true) return 1;
  const length = pieces.reduce((sum, { text }) => sum + text.length, 0);
  return Math.max(1, Math.ceil(length / columns));
}

/** As it is written to the terminal: cut to the width, unless it is to be copied. */
export function paint({ pieces, toCopy }: Line, columns: number, colour: boolean): string {
  let left = toCopy === true ? Number.POSITIVE_INFINITY : columns;
  let out = "";
  for (const { text, look } of pieces) {
    const shown = text.length <= left ? text : text.slice(0, left);
    left -= shown.length;
    out += colour && look !== undefined && shown !== "" ? `\u001B[${CODES[look]}m${shown}\u001B[0m` : shown;
  }
  return out;
}

/** `12,345`. */
export function number(n: number): string {
  return n.toLocaleString("en-US");
}

/** Basis points as people write them: `5 %`, `0.05 %`. */
export function percent(basisPoints: number): string {
  return `${Number((basisPoints / 100).toFixed(2))} %`;
}

/** A share between 0 and 1 as measured: `4.9 %`. */
export function measured(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** `1:05`, minutes and seconds. */
export function elapsed(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
