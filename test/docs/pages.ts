import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The root of the repository; page names are relative to it. */
export const ROOT = join(import.meta.dir, "../..");

/** Every page of the documentation, by its path from the root. */
export const PAGES: readonly string[] = [
  "README.md",
  "CHANGELOG.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name))
    .sort(),
];

export interface Sample {
  /** The position of its first line: `docs/RECIPES.md:40`. */
  at: string;
  language: string;
  text: string;
  /** The comment directly above the fence: `<!-- stage ollama -->`. */
  remark: string | undefined;
}

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}

export function samplesOf(page: string, text = readPage(page)): Sample[] {
  const lines = text.split("\n");
  const samples: Sample[] = [];
  for (let at = 0; at < lines.length; at++) {
    const [, language] = /^```(\S*)/.exec(lines[at] ?? "") ?? [];
    if (language === undefined) continue;
    const end = lines.indexOf("```", at + 1);
    if (end < 0) throw new Error(`${page}:${at + 1}: this fence is not closed`);
    const remark = /^<!-- (.*) -->$/.exec(lines[at - 1] ?? "")?.[1];
    samples.push({
      at: `${page}:${at + 2}`,
      language,
      text: `${lines.slice(at + 1, end).join("\n")}\n`,
      remark,
    });
    at = end;
  }
  return samples;
}

/** A page without its fenced blocks: text, tables and headings. */
export function proseOf(page: string, text = readPage(page)): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, "");
}

export function spansOf(page: string): string[] {
  return [...proseOf(page).matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)].flatMap(([, span]) => span ?? []);
}
