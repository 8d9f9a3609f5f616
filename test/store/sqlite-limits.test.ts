import { StateFile } from "../../src/sqlite/state-file.ts";
import { SqliteLimits } from "../../src/store/sqlite/sqlite-limits.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { limitsSuite } from "./limits-suite.ts";

limitsSuite("SQLite", async (work) => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const files: StateFile[] = [];
  await work(async () => {
    const opened = new StateFile({
      file,
      nowMs: Date.now,
      onTrouble: (problem) => {
        throw problem;
      },
    });
    files.push(opened);
    const limits = new SqliteLimits(opened, Date.now);
    return { limits, close: async () => limits.close() };
  });
  for (const one of files) one.close();
});
