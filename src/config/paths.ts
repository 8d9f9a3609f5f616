import { homedir, tmpdir, userInfo } from "node:os";
import path from "node:path";

export type Env = Readonly<Record<string, string | undefined>>;

/** Only names; nothing is created here. */
export interface Paths {
  /** OROUTER_HOME, if set. */
  home: string | undefined;
  configDir: string;
  configFile: string;
  keysFile: string;
  /** Hashed tokens for `orouter serve`. */
  clientsFile: string;
  stateDir: string;
  stateDb: string;
  cacheDir: string;
  runRoot: string;
  /** opencode's own key file: read, never written. */
  opencodeAuthFile: string;
  /** The database in which opencode 2 keeps keys and sessions: read, never written. */
  opencodeDatabase: string;
}

/** Depends on the environment only, so that tests can use their own folders. */
export function resolvePaths(env: Env, platform: string = process.platform): Paths {
  const { join, resolve } = platform === "win32" ? path.win32 : path.posix;
  const folders = env["OROUTER_HOME"]
    ? underOneFolder(resolve(env["OROUTER_HOME"]), join)
    : foldersOf(env, platform, join);
  // opencode follows the XDG rules on every system.
  const dataHome =
    absolute(env["XDG_DATA_HOME"], platform) ?? join(userHome(env, platform), ".local", "share");
  return {
    ...folders,
    configFile: join(folders.configDir, "config.toml"),
    keysFile: join(folders.configDir, "keys.toml"),
    clientsFile: join(folders.configDir, "clients.toml"),
    stateDb: join(folders.stateDir, "state.db"),
    opencodeAuthFile: join(dataHome, "opencode", "auth.json"),
    opencodeDatabase: resolve(dataHome, "opencode", env["OPENCODE_DB"] || "opencode.db"),
  };
}

type Join = (...parts: string[]) => string;
type Folders = Pick<Paths, "home" | "configDir" | "stateDir" | "cacheDir" | "runRoot">;

function underOneFolder(home: string, join: Join): Folders {
  return { home, configDir: home, stateDir: home, cacheDir: join(home, "cache"), runRoot: join(home, "run") };
}

function foldersOf(env: Env, platform: string, join: Join): Folders {
  const home = userHome(env, platform);
  const isWindows = platform === "win32";
  const roaming = isWindows ? (env["APPDATA"] ?? join(home, "AppData", "Roaming")) : join(home, ".config");
  const local = env["LOCALAPPDATA"] ?? join(home, "AppData", "Local");
  const xdg = (name: string, fallback: string) => absolute(env[name], platform) ?? fallback;
  const stateHome = xdg("XDG_STATE_HOME", isWindows ? local : join(home, ".local", "state"));
  const cacheHome = absolute(env["XDG_CACHE_HOME"], platform);
  return {
    home: undefined,
    configDir: join(xdg("XDG_CONFIG_HOME", roaming), "orouter"),
    stateDir: join(stateHome, "orouter"),
    cacheDir:
      isWindows && cacheHome === undefined
        ? join(local, "orouter", "cache")
        : join(cacheHome ?? join(home, ".cache"), "orouter"),
    runRoot: runRoot(env, platform, join),
  };
}

function runRoot(env: Env, platform: string, join: Join): string {
  if (platform === "win32") return join(env["TEMP"] ?? env["TMP"] ?? tmpdir(), "orouter");
  const runtime = absolute(env["XDG_RUNTIME_DIR"], platform);
  if (runtime !== undefined) return join(runtime, "orouter");
  // The temp folder is shared by all users, so the path contains the user's id.
  return join(absolute(env["TMPDIR"], platform) ?? tmpdir(), `orouter-${userInfo().uid}`);
}

function userHome(env: Env, platform: string): string {
  return absolute(platform === "win32" ? env["USERPROFILE"] : env["HOME"], platform) ?? homedir();
}

/** The XDG rules ignore relative paths. */
function absolute(folder: string | undefined, platform: string): string | undefined {
  const { isAbsolute } = platform === "win32" ? path.win32 : path.posix;
  return folder !== undefined && isAbsolute(folder) ? folder : undefined;
}
