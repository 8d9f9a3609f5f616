import { type Node, parseTree } from "jsonc-parser";
import { propertiesOf, textOf } from "./jsonc.ts";

/** How a project's config would be resolved on this machine. */
export interface ConfigReader {
  env: Readonly<Record<string, string | undefined>>;
  /** Why a project must not read this variable; undefined if it may. */
  variableSecret: (name: string) => string | undefined;
  /** The private file that a path leads to; undefined for other paths. Relative paths start at the config file. */
  privateFile: (path: string) => string | undefined;
  /** The same for a path or pattern below the working folder. */
  privateMatch: (pattern: string) => string | undefined;
  /** The text for `{file:PATH}`; empty if the file cannot be read. */
  contentOf: (path: string) => string;
}

export interface PrivateReference {
  line: number;
  /** The reference as written: resolved variables are not shown. */
  written: string;
  target: string;
}

/** Text with replaced parts, and the original position of each part. */
interface Expanded {
  text: string;
  pieces: readonly Piece[];
}

interface Piece {
  /** The start of the piece in the new text and in the original. */
  at: number;
  from: number;
  isReplacement: boolean;
}

const ENV_REFERENCE = /\{env:([^}]+)\}/g;
const FILE_REFERENCE = /\{file:([^}]+)\}/g;

/** Top-level settings that name files or folders. */
const PATH_SETTINGS = new Set(["instructions", "skills", "reference", "references"]);

/** Prompts in which `@PATH` includes a file. */
const PROMPT_SETTINGS = new Set(["command", "commands"]);
const MENTION = /(?<![\w`])@(\.?[^\s`,.]*(?:\.[^\s`,.]+)*)/g;

/**
 * Finds private files that a project's config would read. opencode substitutes variables first, then files, both in the
 * raw text before parsing; this does the same, so that no spelling can bypass it.
 */
export function privateReferences(source: string, reader: ConfigReader): PrivateReference[] {
  const found: (PrivateReference & { offset: number })[] = [];
  const withEnv = replaceAll(source, ENV_REFERENCE, (name, at, written) => {
    const target = reader.variableSecret(name);
    if (target !== undefined) found.push({ ...placeIn(source, at, at + written.length), target });
    return reader.env[name] ?? "";
  });
  const toSource = (at: number): number => originOf(withEnv, at);
  const withFiles = replaceAll(withEnv.text, FILE_REFERENCE, (path, at, written) => {
    // opencode does not substitute on such a line.
    if (isCommentLine(withEnv.text, at)) return written;
    const target = reader.privateFile(path);
    if (target === undefined) return JSON.stringify(reader.contentOf(path).trim()).slice(1, -1);
    found.push({ ...placeIn(source, toSource(at), toSource(at + written.length)), target });
    return "";
  });
  const fromFiles = (at: number): number => toSource(originOf(withFiles, at));
  for (const { text, start, end, setting } of textsIn(parse(withFiles.text))) {
    const target = privateText(text, setting, reader);
    if (target !== undefined) found.push({ ...placeIn(source, fromFiles(start), fromFiles(end)), target });
  }
  return found.toSorted((a, b) => a.offset - b.offset).map(({ offset: _, ...reference }) => reference);
}

/** Finds private files that a prompt file includes by `@PATH`. */
export function privateMentions(
  source: string,
  reader: Pick<ConfigReader, "privateMatch">,
): PrivateReference[] {
  return [...source.matchAll(MENTION)].flatMap((match) => {
    const target = reader.privateMatch(match[1] ?? "");
    if (target === undefined) return [];
    return [{ line: lineOf(source, match.index), written: match[0], target }];
  });
}

/** Paths and mentions that remain after substitution. */
function privateText(text: string, setting: string, reader: ConfigReader): string | undefined {
  if (/^file:/i.test(text)) {
    const path = pathOfUrl(text);
    return path === undefined ? undefined : reader.privateFile(path);
  }
  if (PATH_SETTINGS.has(setting)) return reader.privateFile(text) ?? reader.privateMatch(text);
  return PROMPT_SETTINGS.has(setting) ? privateMentions(text, reader)[0]?.target : undefined;
}

function pathOfUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null) return undefined;
  try {
    return decodeURIComponent(url.pathname);
  } catch {
    return url.pathname;
  }
}

function replaceAll(
  source: string,
  pattern: RegExp,
  replace: (name: string, at: number, written: string) => string,
): Expanded {
  const pieces: Piece[] = [];
  let text = "";
  let from = 0;
  for (const match of source.matchAll(pattern)) {
    pieces.push({ at: text.length, from, isReplacement: false });
    text += source.slice(from, match.index);
    pieces.push({ at: text.length, from: match.index, isReplacement: true });
    text += replace(match[1] ?? "", match.index, match[0]);
    from = match.index + match[0].length;
  }
  pieces.push({ at: text.length, from, isReplacement: false });
  return { text: text + source.slice(from), pieces };
}

/** Every character of a replacement maps to where it begins. */
function originOf({ pieces }: Expanded, at: number): number {
  const piece = pieces.findLast((one) => one.at <= at);
  if (piece === undefined) return at;
  return piece.isReplacement ? piece.from : piece.from + at - piece.at;
}

function isCommentLine(text: string, at: number): boolean {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  return text.slice(start, at).trimStart().startsWith("//");
}

function placeIn(source: string, offset: number, end: number) {
  return { line: lineOf(source, offset), written: source.slice(offset, end), offset };
}

function lineOf(source: string, offset: number): number {
  return source.slice(0, offset).split(/\r\n|\r|\n/).length;
}

/** opencode reports a text that it cannot parse. */
function parse(text: string): Node | undefined {
  try {
    return parseTree(text.replace(/^\uFEFF/, " "), [], { allowTrailingComma: true });
  } catch (error) {
    // The parser recurses for every level.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

interface ConfigText {
  text: string;
  start: number;
  end: number;
  setting: string;
}

function textsIn(root: Node | undefined): ConfigText[] {
  return propertiesOf(root).flatMap(({ key: setting, value }) => {
    const texts: ConfigText[] = [];
    const open = [value];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      const text = textOf(node);
      if (text !== undefined)
        texts.push({ text, start: node.offset, end: node.offset + node.length, setting });
      const children = node.children ?? [];
      open.push(...(node.type === "property" ? children.slice(1) : children));
    }
    return texts;
  });
}
