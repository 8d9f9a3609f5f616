import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, readPage } from "./pages.ts";

/** The promises of SECURITY.md: the sentence in bold, and all text up to the next one. */
function promises(): { name: string; text: string }[] {
  const page = readPage("docs/SECURITY.md");
  const [, section = ""] = /^## Promises$([\s\S]*?)^## /m.exec(page) ?? [];
  return section.split(/^(?=\*\*)/m).flatMap((text) => {
    const [, name] = /^\*\*(.+?)\*\*/.exec(text) ?? [];
    return name === undefined ? [] : [{ name, text }];
  });
}

test.each(promises().map(({ name, text }) => [name, text] as const))(
  "the promise %j names its tests",
  (_name, text) => {
    const files = [...text.matchAll(/`(test\/[^`]+)`/g)].map(([, file = ""]) => file);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      expect(file).toEndWith(".test.ts");
      expect({ file, isThere: existsSync(join(ROOT, file)) }).toEqual({ file, isThere: true });
      expect(readFileSync(join(ROOT, file), "utf8")).toMatch(/\b(?:test|scenario)(?:\.each)?[<(]/);
    }
  },
);

test("the promises that people rely on are made", () => {
  const names = promises().map(({ name }) => name);
  for (const name of [
    "Strangers cannot keep you out.",
    "What was said to be added is there.",
    "A known key is never repeated to anyone.",
    "A project that you open cannot read your keys without running code.",
    "No reply takes more than 2 × `answer_bytes` of memory.",
  ])
    expect(names).toContain(name);
});
