/** One instruction of a Dockerfile. `args` is the JSON list where it is written as one, else the text in one piece. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
  /** `--from=build` → `{ from: "build" }`. */
  readonly flags: Readonly<Record<string, string>>;
  readonly args: readonly string[];
}

/** What stands between one FROM and the next. */
export interface Stage {
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

/** Reads the subset of the format that this repository uses: no ARG, no heredocs, no escape directive. */
export function parseDockerfile(text: string): readonly Stage[] {
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructionsOf(text)) {
    if (instruction.name === "FROM") {
      const [base = "", , name = ""] = instruction.text.split(/\s+/);
      stages.push({ name, base, instructions: [] });
    } else {
      stages.at(-1)?.instructions.push(instruction);
    }
  }
  return stages;
}

function instructionsOf(text: string): Instruction[] {
  const lines = text
    .split("\n")
    .filter((line) => !line.startsWith("#") && line.trim() !== "")
    .join("\n")
    .replaceAll("\\\n", " ");
  return lines.split("\n").map((line) => {
    const [, name = "", all = ""] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    const flags: Record<string, string> = {};
    const rest = all.replace(/^(?:--\S+\s+)+/, (given) => {
      for (const [, key = "", value = ""] of given.matchAll(/--([\w-]+)=(\S+)/g)) flags[key] = value;
      return "";
    });
    return { name: name.toUpperCase(), text: rest, flags, args: listOf(rest) };
  });
}

/** `["a", "b"]`, also after CMD in a HEALTHCHECK; anything else is one argument. */
function listOf(text: string): readonly string[] {
  const list = text.replace(/^CMD\s+/, "");
  return list.startsWith("[") ? (JSON.parse(list) as string[]) : text.split(/\s+/);
}
