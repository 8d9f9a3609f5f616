import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../config/temp-folder.ts";

const ROOT = join(import.meta.dir, "..", "..");

/** How often the fixture ran each line of src, with or without its request. */
async function hits(env: Record<string, string>): Promise<Map<string, Map<string, number>>> {
  using folder = tempFolder();
  const child = Bun.spawn(
    [
      process.execPath,
      "test",
      "--coverage",
      "--coverage-reporter=lcov",
      `--coverage-dir=${folder.path}`,
      "./test/docs/fixtures/one-request.test.ts",
    ],
    { cwd: ROOT, env: { ...process.env, ...env }, stdout: "pipe", stderr: "pipe" },
  );
  const said = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(said);
  const files = new Map<string, Map<string, number>>();
  for (const section of readFileSync(join(folder.path, "lcov.info"), "utf8").split("end_of_record")) {
    const file = /^SF:(?:.*\/)?src\/(.+)$/m.exec(section)?.[1];
    if (file === undefined) continue;
    const lines = [...section.matchAll(/^DA:(\d+),(\d+)/gm)];
    files.set(file, new Map(lines.map(([, line = "", times = ""]) => [line, Number(times)])));
  }
  return files;
}

/** The files of src that ARCHITECTURE lists under "One request", and the numbered ones among them. */
function listed(): { all: string[]; toRead: string[] } {
  const page = readFileSync(join(ROOT, "docs", "ARCHITECTURE.md"), "utf8");
  const [, section = ""] = /^## One request\n([\s\S]*?)^## /m.exec(page) ?? [];
  const numbered = [...section.matchAll(/^\d+\. `([\w/-]+\.ts)`/gm)].flatMap((match) => match[1] ?? []);
  const from = section.indexOf("\n- ", section.indexOf("Also run"));
  const also = section.slice(from, section.indexOf("\n\n", from));
  const others = [...also.matchAll(/`([\w/-]+\.ts)`/g)].flatMap((match) => match[1] ?? []);
  return { all: [...numbered, ...others].toSorted(), toRead: numbered };
}

test("ARCHITECTURE lists the files that one request runs, 15 of them to read", async () => {
  const withRequest = await hits({});
  const without = await hits({ WITHOUT_REQUEST: "1" });
  const run = [...withRequest].flatMap(([file, lines]) => {
    const before = without.get(file);
    return [...lines].some(([line, times]) => times > (before?.get(line) ?? 0)) ? file : [];
  });
  const { all, toRead } = listed();
  expect(all).toEqual(run.toSorted());
  expect(toRead.length).toBeLessThanOrEqual(15);
}, 60_000);
