import { expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { watchFiles } from "../../src/commands/follow-files.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { until } from "../proxy/rig.ts";

/** Counts the changes that a watch reports. */
function watchIn(folder: ReturnType<typeof tempFolder>, names: string[], sinceMs = 0) {
  let told = 0;
  const stop = watchFiles({
    files: names.map((name) => folder.in(name)),
    sinceMs,
    onChange: async () => {
      told++;
    },
  });
  return { told: () => told, [Symbol.dispose]: stop };
}

type Change = (file: string, folder: ReturnType<typeof tempFolder>) => void;

test.each<[name: string, change: Change]>([
  ["is written", (file) => writeFileSync(file, "new")],
  [
    "is replaced by one as long and as old",
    (file, folder) => {
      writeFileSync(folder.in("other"), "OLD");
      utimesSync(folder.in("other"), 1, 1);
      renameSync(folder.in("other"), file);
    },
  ],
  ["is removed", (file) => rmSync(file)],
])("a file that %s is told", async (_name, change) => {
  using folder = tempFolder();
  const file = folder.in("file");
  writeFileSync(file, "old");
  utimesSync(file, 1, 1);
  using watch = watchIn(folder, ["file"]);
  // Reported at the start, since the file is younger than `sinceMs`.
  await until(() => watch.told() === 1);
  change(file, folder);
  await until(() => watch.told() === 2);
});

test("a file is seen to come in a folder that comes with it, and through a link", async () => {
  using folder = tempFolder();
  symlinkSync(folder.in("deep/target"), folder.in("link"));
  writeFileSync(folder.in("first"), "");
  using watch = watchIn(folder, ["deep/file", "link", "first"]);
  await until(() => watch.told() === 1);
  mkdirSync(folder.in("deep"));
  writeFileSync(folder.in("deep/file"), "");
  await until(() => watch.told() === 2);
  writeFileSync(folder.in("deep/target"), "");
  await until(() => watch.told() === 3);
});

test("what has changed since the files were read is told at once, what was so before is not", async () => {
  using folder = tempFolder();
  writeFileSync(folder.in("file"), "");
  using late = watchIn(folder, ["file"], Number.MAX_VALUE);
  using early = watchIn(folder, ["file"]);
  await until(() => early.told() === 1);
  expect(late.told()).toBe(0);
  writeFileSync(folder.in("file"), "more");
  await until(() => early.told() === 2 && late.told() === 1);
});
