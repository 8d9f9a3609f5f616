import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { firstConfig } from "../../src/config/config-edits.ts";
import { findSetting } from "../../src/core/settings/setting-names.ts";
import { PAGES, proseOf, ROOT, readPage, samplesOf, spansOf } from "./pages.ts";
import { faultOf, shellFaults } from "./shell-faults.ts";
import { shellCommands } from "./shell-lines.ts";

function runsOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) =>
    name === "run" && typeof child === "string" ? [child] : runsOf(child),
  );
}

const ALL = PAGES.flatMap((page) => samplesOf(page));
const SHELL = ALL.filter(({ language }) => language === "sh");

/**
 * The pages on which a test checks samples of a language; `text` and `ts` are generated or belong to a checked sample.
 */
const CHECKED: Readonly<Record<string, (page: string) => boolean>> = {
  console: () => true,
  sh: () => true,
  toml: () => true,
  json: () => true,
  yaml: () => true,
  js: (page) => page === "docs/LIBRARY.md",
  text: (page) => ["docs/LIBRARY.md", "docs/COMMANDS.md"].includes(page),
  ini: () => true,
  dockerfile: () => true,
  ts: (page) => ["docs/JSON.md", "docs/OMNIROUTE.md"].includes(page),
};

test("every sample is in a language that a test checks", () => {
  const odd = ALL.filter(({ at, language }) => CHECKED[language]?.(at.replace(/:\d+$/, "")) !== true);
  expect(odd.map(({ at, language }) => `${at} ${language}`)).toEqual([]);
});

describe("shell samples name commands that are there", () => {
  test.each(SHELL.map((sample) => [sample.at, sample] as const))("%s", async (_at, { text }) => {
    const syntax = Bun.spawnSync(["bash", "-n"], { stdin: new Blob([text]), stderr: "pipe" });
    expect(syntax.stderr.toString()).toBe("");
    expect(await shellFaults(shellCommands(text))).toEqual([]);
  });

  test.each(ALL.filter(({ language }) => language === "yaml").map((sample) => [sample.at, sample] as const))(
    "%s",
    async (_at, { text }) => {
      const runs = runsOf(Bun.YAML.parse(text));
      expect(runs).not.toEqual([]);
      expect(await shellFaults(runs.flatMap(shellCommands))).toEqual([]);
    },
  );

  test("in units and image recipes, too", async () => {
    const lines = ALL.filter(({ language }) => language === "ini" || language === "dockerfile").flatMap(
      ({ text }) =>
        text.split("\n").flatMap((line) => {
          const [, unit] = /^ExecStart=\S*\/(orouter .*)$/.exec(line) ?? [];
          const [, words] = /^ENTRYPOINT (\[.*\])$/.exec(line) ?? [];
          return unit ?? (words === undefined ? [] : (JSON.parse(words) as string[]).join(" "));
        }),
    );
    expect(lines).toHaveLength(2);
    expect(await shellFaults(lines.flatMap(shellCommands))).toEqual([]);
  });

  test("and a missing command is found", async () => {
    const text = [
      "orouter keys ad ollama-cloud",
      "echo key | orouter keys add nvidia --stdinn   # a flag with a slip",
      "TOKEN=1 oroutr status",
      "npm run biuld && npm i -g oruoter",
      "bun test test/nowhere",
      "orouter keys add nvidia --stdin < keys.txt",
    ].join("\n");
    const faults = await shellFaults(shellCommands(text));
    expect(faults).toHaveLength(6);
    expect(faults[0]).toContain("Did you mean add?");
  });
});

/** Commands in running text, such as `orouter keys add`. */
test.each(PAGES)("%s speaks of commands and flags that are there", async (page) => {
  const calls = spansOf(page).filter((span) => span.startsWith("orouter ") && !/\w\|\w|…$/.test(span));
  const faults = await Promise.all(calls.map((call) => faultOf(shellCommands(call)[0]?.slice(1) ?? [])));
  // A sentence may name a command without its arguments.
  expect(faults.filter((fault) => fault !== undefined && !/ needs /.test(fault))).toEqual([]);
});

const FILES = ["src", "test", "scripts", "docs"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map(
    (name) => `/${join(folder, name)}`,
  ),
);

test.each(PAGES)("%s names files of ours that are there", (page) => {
  const named = spansOf(page).filter(
    (span) => /^[\w./*-]+\.(?:ts|mjs|cjs)$/.test(span) || /^(?:src|test|scripts|docs)\/[\w./*-]+$/.test(span),
  );
  const isThere = (span: string): boolean => {
    const pattern = new RegExp(`/${RegExp.escape(span.replace(/\/$/, "")).replaceAll("\\*", "[^/]*")}$`);
    return FILES.some((file) => pattern.test(file));
  };
  expect(named.filter((span) => !isThere(span))).toEqual([]);
});

const SETTING =
  /^(?:routing|providers|models_dev|models|chains|fallbacks|rules|opencode|limits|state)(?:\[\])?\.[\w<>./[\]-]+$/;

test.each(PAGES)("%s names settings that are there", (page) => {
  const named = spansOf(page).flatMap((span) =>
    SETTING.test(span) && !/\.(?:db|jsonc?)$/.test(span) ? [span] : [],
  );
  const missing = named.filter(
    (span) => !("path" in findSetting(span.replaceAll("[]", "[0]").replaceAll(/[<>]/g, ""))),
  );
  expect(missing).toEqual([]);
});

test("what MIGRATING quotes of doctor is what doctor says", () => {
  const folder = "src/commands/doctor";
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  const sources = files.filter((name) => name.endsWith(".ts")).map((name) => readPage(join(folder, name)));
  const source = sources.join("\n");
  const [, table = ""] = proseOf("docs/MIGRATING.md").split("## Troubleshooting");
  const quoted = [...table.matchAll(/^\|[^|]+\| ([^|]+) \|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, words]) => words ?? []),
  );
  expect(quoted.length).toBeGreaterThan(5);
  expect(quoted.filter((words) => !source.includes(words))).toEqual([]);
});

test("no page contains a path of the machine on which it was written", () => {
  const told = PAGES.flatMap((page) =>
    [...readPage(page).matchAll(/(?<![\w.])\/(?:work|root|tmp|home\/\w+|Users)\b\S*/g)].map(
      ([place]) => `${page}: ${place}`,
    ),
  );
  expect(told).toEqual([]);
});

/** Phrases that plain technical English does not need, or old terms. docs/CONTRIBUTING.md has the rule. */
const BANNED: readonly RegExp[] = [
  /\b(?:rest(?:s|ed|ing)|at rest)\b/i,
  /\bmend(?:s|ed)?\b/i,
  /\b(?:is|are|be|was|were) told\b/i,
  /\b(?:somebody|nobody|whoever|whatever it|one's own)\b/i,
  /\b(?:lies|lie in)\b/i,
  /\bstands? (?:behind|beside|in front)\b/i,
  /\b(?:all|what) there is\b/i,
  /\b(?:is|are) none\b/i,
  /(?<!\bthere )\bis no (?!longer\b)\w/i,
  /\b(?:what comes of|what it comes to|it comes to)\b/i,
  /\b(?:anew|heed(?:s|ed)?|for ever|dice|hiccup|brothers?)\b/i,
  /\bthe last word\b/i,
  /\b(?:a|each) (?:minute|key) and (?:minute|key)\b/i,
];

/** COMMANDS and JSON are generated from the commands, whose texts have their own tests. */
const GENERATED = ["docs/COMMANDS.md", "docs/JSON.md"];

/** Without code spans; of the changelog only what is not released yet. */
function wordsOf(page: string): string {
  const text =
    page === "CHANGELOG.md" ? (readPage(page).split(/^## \[(?!Unreleased)/m)[0] ?? "") : readPage(page);
  return proseOf(page, text).replaceAll(/`[^`\n]*`/g, "`…`");
}

function bannedIn(text: string): string[] {
  return text.split("\n").filter((line) => BANNED.some((phrase) => phrase.test(line)));
}

test.each(PAGES.filter((page) => !GENERATED.includes(page)))("%s has no banned phrase", (page) => {
  expect(bannedIn(wordsOf(page))).toEqual([]);
});

test("a new config.toml has no banned phrase, and such a phrase would be found", () => {
  expect(bannedIn(firstConfig({ providers: {}, chain: undefined }))).toEqual([]);
  expect(bannedIn("The key rests.\nThe rest is fine.\nNobody is told.")).toEqual([
    "The key rests.",
    "Nobody is told.",
  ]);
});

test("the README has at most 180 lines", () => {
  expect(readPage("README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(180);
});
