import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { commandsPage } from "../scripts/commands-page.ts";
import { configPage } from "../scripts/config-page.ts";
import { jsonPage } from "../scripts/json-page.ts";
import { withPresets } from "../scripts/presets-table.ts";
import { PRESETS } from "../src/core/settings/presets.ts";
import { parseSettings } from "../src/core/settings/settings.ts";
import { classify } from "../src/core/verdict/classify.ts";
import type { Fault } from "../src/core/verdict/verdict.ts";
import { anchorsOf, linksOf } from "./docs/links.ts";
import { PAGES, ROOT, readPage, samplesOf } from "./docs/pages.ts";

describe("what is made from the program is up to date", () => {
  test("docs/COMMANDS.md is what the commands say", async () => {
    expect(readPage("docs/COMMANDS.md")).toBe(await commandsPage());
  });

  test("docs/CONFIG.md is what the settings say", () => {
    expect(readPage("docs/CONFIG.md")).toBe(configPage());
  });

  test("docs/JSON.md is what the shapes of the commands say", () => {
    expect(readPage("docs/JSON.md")).toBe(jsonPage());
  });

  test("docs/PROVIDERS.md has the table of the presets", () => {
    const page = readPage("docs/PROVIDERS.md");
    expect(page).toBe(withPresets(page));
    expect(PRESETS.filter(({ id }) => !page.includes(`\n| \`${id}\` |`))).toEqual([]);
  });
});

test.each(PAGES)("every link of %s leads somewhere", (page) => {
  const broken = linksOf(page).filter(({ file, anchor }) => {
    const target = file === "" ? page : join(dirname(page), file);
    if (!existsSync(join(ROOT, target))) return true;
    return anchor !== undefined && !anchorsOf(target).has(anchor);
  });
  expect(broken).toEqual([]);
});

const SAMPLES = PAGES.flatMap((page) => samplesOf(page));

test("every TOML sample of a config is one that orouter takes", () => {
  const configs = SAMPLES.filter(({ language }) => language === "toml");
  const faults = configs.flatMap(({ at, text }) => {
    const parsed = parseSettings(Bun.TOML.parse(text));
    return "faults" in parsed ? [{ at, faults: parsed.faults }] : [];
  });
  expect(faults).toEqual([]);
  expect(configs.filter(({ text }) => !text.startsWith("# config.toml\n")).map(({ at }) => at)).toEqual([]);
});

test("every JSON sample is JSON, with the comments that opencode takes", () => {
  for (const { language, text } of SAMPLES) if (language === "json") Bun.JSONC.parse(text);
});

/** The words on the page for the scope of a cooldown. */
const COOLDOWN_OF: Record<string, Fault> = {
  "this key for this model": "lane",
  "the key": "key",
  "the model": "model",
  "the service": "provider",
  "none at first": "attempt",
  none: "request",
};

/** The errors in PROVIDERS, with the heading of their provider. */
function refusals(): [
  at: string,
  row: { provider: string; status: number; body: string; expected: string },
][] {
  let provider = "";
  return readPage("docs/PROVIDERS.md")
    .split("\n")
    .flatMap((line, at) => {
      if (line.startsWith("## ")) provider = line.slice(3).toLowerCase();
      const [, status, words, kind, party = ""] =
        /^\|(?: [^|`]+ \|)? (\d{3}) \| `(.+)` \| ([\w-]+) \| ([\w ]+) \|$/.exec(line) ?? [];
      if (words === undefined) return [];
      const body = /^[[{]/.test(words) && words.includes('"') ? words : JSON.stringify({ error: words });
      const row = {
        provider,
        status: Number(status),
        body,
        expected: `${kind} ${COOLDOWN_OF[party] ?? party}`,
      };
      return [[`docs/PROVIDERS.md:${at + 1}`, row] as const];
    })
    .map(([at, row]) => [at, row]);
}

describe("refusals are taken as PROVIDERS says", () => {
  test.each(refusals())("%s", (_at, { provider, status, body, expected }) => {
    const reply = { provider, status, headers: new Headers(), body, expectsAnswer: true };
    const verdict = classify(reply, { userRules: [], secrets: [], nowMs: 0 });
    expect(`${verdict?.kind} ${verdict?.fault}`).toBe(expected);
  });

  test("and every line of its tables is read", () => {
    const lines = readPage("docs/PROVIDERS.md").match(/^\|(?: [^|`]+ \|)? \d{3} \|/gm) ?? [];
    expect(refusals()).toHaveLength(lines.length);
    expect(lines.length).toBeGreaterThan(40);
  });
});
