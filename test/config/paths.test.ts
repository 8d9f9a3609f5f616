import { expect, test } from "bun:test";
import { resolvePaths } from "../../src/config/paths.ts";

test("without any variable the files lie where XDG puts them", () => {
  const paths = resolvePaths({ HOME: "/home/ada", XDG_RUNTIME_DIR: "/run/user/7" }, "linux");
  expect(paths).toEqual({
    home: undefined,
    configDir: "/home/ada/.config/orouter",
    configFile: "/home/ada/.config/orouter/config.toml",
    keysFile: "/home/ada/.config/orouter/keys.toml",
    clientsFile: "/home/ada/.config/orouter/clients.toml",
    stateDir: "/home/ada/.local/state/orouter",
    stateDb: "/home/ada/.local/state/orouter/state.db",
    cacheDir: "/home/ada/.cache/orouter",
    runRoot: "/run/user/7/orouter",
    opencodeAuthFile: "/home/ada/.local/share/opencode/auth.json",
    opencodeDatabase: "/home/ada/.local/share/opencode/opencode.db",
  });
  expect(resolvePaths({ HOME: "/home/ada", XDG_RUNTIME_DIR: "/run/user/7" }, "darwin")).toEqual(paths);
});

test("XDG variables move them, relative ones count as absent", () => {
  const env = {
    HOME: "/h",
    XDG_CONFIG_HOME: "/c",
    XDG_STATE_HOME: "state",
    XDG_CACHE_HOME: "/k",
    XDG_DATA_HOME: "/d",
  };
  const paths = resolvePaths(env, "linux");
  expect(paths.configFile).toBe("/c/orouter/config.toml");
  expect(paths.stateDb).toBe("/h/.local/state/orouter/state.db");
  expect(paths.cacheDir).toBe("/k/orouter");
  expect(paths.opencodeAuthFile).toBe("/d/opencode/auth.json");
  expect(paths.opencodeDatabase).toBe("/d/opencode/opencode.db");
  expect(resolvePaths({ XDG_DATA_HOME: "/d", OPENCODE_DB: "mine.db" }).opencodeDatabase).toBe(
    "/d/opencode/mine.db",
  );
  expect(resolvePaths({ OPENCODE_DB: "/else/mine.db" }).opencodeDatabase).toBe("/else/mine.db");
});

test("without a runtime folder the runs lie in the temp folder under the user's number", () => {
  const runRoot = resolvePaths({ HOME: "/h", TMPDIR: "/scratch" }, "linux").runRoot;
  expect(runRoot).toMatch(/^\/scratch\/orouter-\d+$/);
});

test("OROUTER_HOME puts all of it under one folder, an empty one counts as absent", () => {
  const paths = resolvePaths({ HOME: "/h", OROUTER_HOME: "/o", XDG_CONFIG_HOME: "/c" }, "linux");
  expect(paths.home).toBe("/o");
  expect([paths.configFile, paths.keysFile, paths.stateDb, paths.cacheDir, paths.runRoot]).toEqual([
    "/o/config.toml",
    "/o/keys.toml",
    "/o/state.db",
    "/o/cache",
    "/o/run",
  ]);
  expect(resolvePaths({ HOME: "/h", OROUTER_HOME: "" }, "linux").home).toBeUndefined();
});

test("Windows has folders of its own", () => {
  const env = {
    USERPROFILE: "C:\\Users\\ada",
    APPDATA: "C:\\Users\\ada\\AppData\\Roaming",
    LOCALAPPDATA: "C:\\Users\\ada\\AppData\\Local",
    TEMP: "C:\\Temp",
  };
  const paths = resolvePaths(env, "win32");
  expect(paths.configFile).toBe("C:\\Users\\ada\\AppData\\Roaming\\orouter\\config.toml");
  expect(paths.stateDb).toBe("C:\\Users\\ada\\AppData\\Local\\orouter\\state.db");
  expect(paths.cacheDir).toBe("C:\\Users\\ada\\AppData\\Local\\orouter\\cache");
  expect(paths.runRoot).toBe("C:\\Temp\\orouter");
  expect(paths.opencodeAuthFile).toBe("C:\\Users\\ada\\.local\\share\\opencode\\auth.json");
});
