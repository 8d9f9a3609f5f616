export interface Command {
  line: string;
  printed: string;
}

/** Each command begins with `$ `, may continue after a backslash, and is followed by its output. */
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
  /** Accept any figure where the page has one, and wider columns. */
  figuresVary?: boolean;
}

/** `…` on the page stands for anything, also for several lines. */
export function isAsShown(printed: string, shown: string, { figuresVary = false }: Matching = {}): boolean {
  const pattern = tidy(shown).replaceAll(PIECES, (piece) => {
    if (piece === "…") return "[\\s\\S]*?";
    // At the end of a line, `…` also covers the blank before it.
    if (piece.endsWith("…")) return "(?: [\\s\\S]*?)?";
    if (!figuresVary) return RegExp.escape(piece);
    if (/^\d.*[a-z]$/.test(piece)) return DURATION.source;
    if (/^\d/.test(piece)) return FIGURE.source;
    return piece.startsWith(" ") ? " +" : RegExp.escape(piece);
  });
  return new RegExp(`^${pattern}$`).test(tidy(printed));
}

const FIGURE = /\d+(?:\.\d+)?/;
/** `71 ms` or `1.0 s`, `5 h` or `1 d 3 h`: a duration also decides its units. */
const DURATION = /\d+(?:\.\d+)? (?:ms|s|m|h|d)\b(?: \d+ (?:s|m|h)\b)*/;
const PIECES = new RegExp(` +…|…|${DURATION.source}|${FIGURE.source}| +|[^…\\d ]+`, "g");

/** Ignore blanks at a line's end: editors remove them. */
function tidy(text: string): string {
  return text.replaceAll(/[ \t\r]+$/gm, "").trim();
}
