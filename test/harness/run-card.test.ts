import { expect, test } from "bun:test";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createRunDir, findRuns, RUN_FILES, type RunCard } from "../../src/harness/run/run-dir.ts";
import { tempFolder } from "../config/temp-folder.ts";

const CARD: RunCard = { what: "serve", url: "http://127.0.0.1:1", pid: 1, sinceMs: 2, folder: "/f" };

function leave(root: string, card: unknown, token: string | undefined) {
  const run = createRunDir(root);
  run.write(RUN_FILES.card, typeof card === "string" ? card : JSON.stringify(card));
  if (token !== undefined) run.write(RUN_FILES.token, token);
  return run;
}

test("runs under way are found with their tokens, the oldest first", () => {
  using folder = tempFolder();
  const root = folder.in("runs");
  leave(root, { ...CARD, sinceMs: 5 }, "later");
  leave(root, CARD, "first");
  expect(findRuns(root)).toEqual([
    { ...CARD, token: "first" },
    { ...CARD, sinceMs: 5, token: "later" },
  ]);
});

test.each<[what: string, card: unknown, token: string | undefined]>([
  ["half a card", '{"what":', "t"],
  ["another card", { what: "serve" }, "t"],
  ["an address that is none", { ...CARD, url: "here" }, "t"],
  ["no token yet", CARD, undefined],
])("a folder with %s is no run", (_what, card, token) => {
  using folder = tempFolder();
  leave(folder.in("runs"), card, token);
  expect(findRuns(folder.in("runs"))).toEqual([]);
});

test("what a crash has left is no run, nor is a place where there is nothing", () => {
  using folder = tempFolder();
  const run = leave(folder.in("runs"), CARD, "t");
  renameSync(run.path, folder.in("runs/run-99999999-dead"));
  mkdirSync(folder.in("other"));
  writeFileSync(folder.in("other/file"), "");
  for (const place of ["runs", "other", "nowhere"]) expect(findRuns(folder.in(place))).toEqual([]);
});
