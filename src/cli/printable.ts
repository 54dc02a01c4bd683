/**
 * Text from elsewhere, safe on a terminal: names and error texts come from whoever connects, and must not move the cursor.
 * Line breaks stay.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (character) => (character === "\n" ? character : "\uFFFD"));
}

/** Rows under headings, columns padded to their widest cell; the last one is as long as it is. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [headings, ...rows].map((row) => row.map((cell) => printable(cell.trimEnd()).replaceAll("\n", " ")));
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** `14:25:14` of a time in RFC 3339, in UTC as everywhere else. */
export function clock(at: string): string {
  return at.slice(11, 19);
}

/** `2026-01-02 14:25:14` */
export function day(at: string): string {
  return at.slice(0, 19).replace("T", " ");
}
