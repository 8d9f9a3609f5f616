/** A command of a console sample, and what it prints. */
export interface Command {
  line: string;
  printed: string;
}

/** The commands of a console sample: each begins with `$ `, goes on behind a backslash, and is followed by its output. */
export function commandsOf(text: string): Command[] {
  const commands: Command[] = [];
  const lines = text.trimEnd().split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const last = commands.at(-1);
    if (line.startsWith("$ ")) {
      let whole = line.slice(2);
      while (whole.endsWith("\\")) whole = `${whole}\n${lines[++at] ?? ""}`;
      commands.push({ line: whole, printed: "" });
    } else if (last === undefined) throw new Error(`a console sample begins with "$ ", not with ${line}`);
    else last.printed += `${line}\n`;
  }
  return commands;
}

export interface Matching {
  /** Any figure may stand where the page has one, and columns may be as wide as that makes them. */
  figuresVary?: boolean;
}

/** Whether a program printed what the page shows. `…` on the page stands for anything, also for several lines. */
export function isAsShown(printed: string, shown: string, { figuresVary = false }: Matching = {}): boolean {
  const pattern = tidy(shown).replaceAll(PIECES, (piece) => {
    if (piece === "…") return "[\\s\\S]*?";
    // Where nothing follows, there is no blank in front of it either.
    if (piece.endsWith("…")) return "(?: [\\s\\S]*?)?";
    if (!figuresVary) return RegExp.escape(piece);
    if (/^\d.*[a-z]$/.test(piece)) return DURATION.source;
    if (/^\d/.test(piece)) return FIGURE.source;
    return piece.startsWith(" ") ? " +" : RegExp.escape(piece);
  });
  return new RegExp(`^${pattern}$`).test(tidy(printed));
}

const FIGURE = /\d+(?:\.\d+)?/;
/** `71 ms` or `1.0 s`, `5 h` or `1 d 3 h`: how long something takes decides how it is written, too. */
const DURATION = /\d+(?:\.\d+)? (?:ms|s|m|h|d)\b(?: \d+ (?:s|m|h)\b)*/;
const PIECES = new RegExp(` +…|…|${DURATION.source}|${FIGURE.source}| +|[^…\\d ]+`, "g");

/** Terminals show no blanks at a line's end, and editors take them away. */
function tidy(text: string): string {
  return text.replaceAll(/[ \t\r]+$/gm, "").trim();
}
