import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { configPage } from "../scripts/config-page.ts";
import { parseSettings } from "../src/core/settings/settings.ts";

const ROOT = join(import.meta.dir, "..");
const PAGES = [
  "README.md",
  "CHANGELOG.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

const read = (page: string): Promise<string> => Bun.file(join(ROOT, page)).text();

test("docs/CONFIG.md is what the settings say", async () => {
  expect(await read("docs/CONFIG.md")).toBe(configPage());
});

test("every link to a file of ours leads somewhere", async () => {
  const broken: string[] = [];
  for (const page of PAGES) {
    for (const [, target] of (await read(page)).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      if (target !== undefined && !(await Bun.file(join(ROOT, dirname(page), target)).exists()))
        broken.push(`${page}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

test("every TOML sample of a config is one that orouter takes", async () => {
  const faults: unknown[] = [];
  for (const page of PAGES) {
    for (const [, sample = ""] of (await read(page)).matchAll(/```toml\n# config\.toml\n([\s\S]*?)```/g)) {
      const parsed = parseSettings(Bun.TOML.parse(sample));
      if ("faults" in parsed) faults.push({ page, faults: parsed.faults });
    }
  }
  expect(faults).toEqual([]);
});
