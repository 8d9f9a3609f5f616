import { expect, test } from "bun:test";
import { readUserFiles } from "../../src/commands/context.ts";
import { resolvePaths } from "../../src/config/paths.ts";
import { tempFolder } from "../config/temp-folder.ts";

async function holdWith(text: string | undefined): Promise<[holdMs: number, notes: string[]]> {
  using folder = tempFolder();
  const home = folder.in("home");
  await Bun.write(`${home}/config.toml`, '[routing]\nhold = "1h"\n');
  const env = { OROUTER_HOME: home, HOME: home, ...(text === undefined ? {} : { OROUTER_HOLD: text }) };
  const { settings, notes } = await readUserFiles({ env, paths: resolvePaths(env) });
  return [settings.routing.holdMs, notes];
}

test("OROUTER_HOLD overrides the file; what is no duration is reported and ignored", async () => {
  expect(await holdWith(undefined)).toEqual([3_600_000, []]);
  expect(await holdWith("8h")).toEqual([28_800_000, []]);
  expect(await holdWith("0s")).toEqual([0, []]);
  const [holdMs, notes] = await holdWith("all night");
  expect(holdMs).toBe(3_600_000);
  expect(notes).toEqual(['OROUTER_HOLD is ignored: it is not a duration such as "8h" or "30m".']);
});
