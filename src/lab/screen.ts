import type { WriteStream } from "node:tty";
import { type Line, paint, rowsOf } from "./text.ts";

/** Draws lines on a terminal, each time only those that differ from what stands there. */
export interface Screen {
  /** Rows and columns as they are now. */
  size(): { readonly rows: number; readonly columns: number };
  draw(lines: readonly Line[]): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

const OPEN = "\u001B[?1049h\u001B[?25l\u001B[2J";
const CLOSE = "\u001B[?25h\u001B[?1049l";

/**
 * Takes the terminal's second screen, so that what stood in the first is there again at the end.
 *
 * @param onResize is called when the size has changed, after the screen was cleared
 */
export function openScreen(out: WriteStream, colour: boolean, onResize: () => void): Screen {
  let shown: string[] = [];
  const size = (): { rows: number; columns: number } => ({ rows: out.rows || 24, columns: out.columns || 80 });
  const resized = (): void => {
    shown = [];
    out.write("\u001B[2J");
    onResize();
  };
  let open = true;
  const close = (): void => {
    if (open) out.write(CLOSE);
    open = false;
  };
  out.write(OPEN);
  out.on("resize", resized);
  // However we end, the terminal is not left without a cursor.
  process.once("exit", close);
  return {
    size,
    draw: (lines) => {
      const next = layOut(lines, size(), colour);
      out.write(difference(shown, next));
      shown = next;
    },
    close: () => {
      out.off("resize", resized);
      process.off("exit", close);
      close();
    },
  };
}

/** One entry a row; a line that takes several rows fills the first and leaves the rest empty. */
function layOut(lines: readonly Line[], size: { rows: number; columns: number }, colour: boolean): string[] {
  const rows: string[] = [];
  for (const line of lines) {
    const taken = rowsOf(line, size.columns);
    if (rows.length + taken > size.rows) break;
    rows.push(paint(line, size.columns, colour), ...Array.from({ length: taken - 1 }, () => CONTINUED));
  }
  return rows;
}

/** Marks a row that the line above goes on in; never written. */
const CONTINUED = "\0";

/** What turns the rows that stand there into the next ones. Exported for its test. */
export function difference(shown: readonly string[], next: readonly string[]): string {
  let out = "";
  for (let row = 0; row < Math.max(shown.length, next.length); row += 1) {
    const text = next[row] ?? "";
    if (text === CONTINUED || text === shown[row]) continue;
    for (let more = row + 1; next[more] === CONTINUED; more += 1) out += at(more);
    out += `${at(row)}${text}`;
  }
  return out;
}

/** Goes to the beginning of the row and empties it. */
function at(row: number): string {
  return `\u001B[${row + 1};1H\u001B[2K`;
}
