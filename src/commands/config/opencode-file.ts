import { existsSync } from "node:fs";
import { chmod, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { errorCode, fileProblem } from "../../config/file-problem.ts";
import { withLock } from "../../config/lock.ts";
import type { Env, Paths } from "../../config/paths.ts";
import { invalidFile } from "../../config/toml-file.ts";
import { writeFileAtomic } from "../../config/write-file.ts";
import type { OpenCodeConfig } from "../../core/opencode-config/build-opencode-config.ts";
import { mergeOpenCodeConfig } from "../../core/opencode-config/merge-opencode-config.ts";
import { type JsoncFault, parseJsonc } from "../../core/opencode-config/parse-jsonc.ts";
import { EXIT, type Problem } from "../../core/problem.ts";
import { ownConfig } from "../../harness/opencode/clean-env.ts";

const PRIVATE_FILE = 0o600;

/** The config of opencode's that is the user's own everywhere: the one they name, else the global one. */
export function opencodeFile(env: Env, paths: Pick<Paths, "runRoot">): string {
  // Inside an opencode that orouter runs, the variable may name a file that is gone when the run ends.
  const own = ownConfig(env, paths.runRoot);
  if (own !== undefined) return resolve(own);
  const xdg = env["XDG_CONFIG_HOME"];
  const home = env["HOME"] ?? homedir();
  const folder = join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, ".config"), "opencode");
  // Where there are both, opencode lets the .jsonc win.
  const jsonc = join(folder, "opencode.jsonc");
  return existsSync(jsonc) ? jsonc : join(folder, "opencode.json");
}

/** The text of a config, its byte order mark included; empty where there is no such file yet. */
export async function readOpencodeFile(file: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return "";
    throw fileProblem({ code: "config-unreadable", doing: "read", file, exit: EXIT.config }, error);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalidFile(`${file}: this is not UTF-8 text`);
  }
}

/** Refuses a text that does not parse, before anything else is asked. */
export function checkOpencodeText(file: string, text: string): void {
  const parsed = parseJsonc(text.replace(/^\uFEFF/, ""));
  if (parsed.kind === "faulty") throw faultProblem(file, parsed.fault);
}

/** The text with the config merged in; a text that cannot be added to is a Problem with its line and column. */
export function mergeInto(file: string, text: string, config: OpenCodeConfig): string {
  const merged = mergeOpenCodeConfig(text, config);
  if (merged.kind === "merged") return merged.text;
  throw faultProblem(file, merged.fault);
}

function faultProblem(file: string, { line, column, what }: JsoncFault): Problem {
  return invalidFile(`${file}:${line}:${column}: ${what}`);
}

/**
 * Merges a config into a file, at once and under a lock. The file's mode stays, unless a key comes into it: then it is
 * for its owner alone. Returns whether the text has changed.
 */
export async function editOpencodeFile(
  file: string,
  config: OpenCodeConfig,
  isSecret: boolean,
): Promise<boolean> {
  return withLock(file, async () => {
    const old = await readOpencodeFile(file);
    const text = mergeInto(file, old, config);
    const mode = await modeOf(file);
    if (text !== old) await writeFileAtomic(file, text);
    const wanted = isSecret ? PRIVATE_FILE : mode;
    if (wanted !== undefined && wanted !== (await modeOf(file))) await chmod(file, wanted);
    return text !== old;
  });
}

/** Undefined where there is no file yet. */
async function modeOf(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ mode }) => mode & 0o777,
    () => undefined,
  );
}
