import { readFile } from "node:fs/promises";
import { parse, TomlError } from "smol-toml";
import { EXIT, Problem } from "../core/problem.ts";
import { errorCode, fileProblem } from "./file-problem.ts";

/** A TOML file as read: its text, for positions and edits, and its value. */
export interface TomlFile {
  text: string;
  value: Record<string, unknown>;
}

/** Said wherever a person's own file stops us. */
const MEND = "Mend it in an editor; orouter has not touched the file.";

/** What the parser says where a text runs into the end of its line, and what that comes to. */
const CONTROL_IN_TEXT = "control characters are not allowed in strings";
const OPEN_TEXT = "a text has no quote at its end";

/** Reads a TOML file; undefined when there is none. One that cannot be read or does not parse is a Problem. */
export async function readToml(file: string): Promise<TomlFile | undefined> {
  const text = await readText(file);
  return text === undefined ? undefined : { text, value: parseToml(file, text) };
}

/** A Problem about what a file says. */
export function invalidFile(what: string, fix = MEND): Problem {
  return new Problem({ code: "config-invalid", what, fix, exit: EXIT.config });
}

async function readText(file: string): Promise<string | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw fileProblem({ code: "config-unreadable", doing: "read", file, exit: EXIT.config }, error);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidFile(`${file}:${badLine(bytes)}: this is not UTF-8 text`);
  }
}

/** The line of the first byte that does not belong into UTF-8: a lenient decoder leaves its mark there. */
function badLine(bytes: Uint8Array): number {
  const [before = ""] = new TextDecoder().decode(bytes).split("\uFFFD", 1);
  return before.split("\n").length;
}

export function parseToml(file: string, text: string): Record<string, unknown> {
  try {
    return parse(text, { unsafeKeyBehaviour: "throw" });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The parser's message goes on with an excerpt of the file, and the file may hold secrets.
    const [reason = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n", 1);
    const line = text.split("\n")[error.line - 1] ?? "";
    const isOpen = reason === CONTROL_IN_TEXT && error.column > line.trimEnd().length;
    throw invalidFile(`${file}:${error.line}:${error.column}: ${isOpen ? OPEN_TEXT : reason}`);
  }
}
