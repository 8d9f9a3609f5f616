import { mkdirSync, realpathSync } from "node:fs";
import { type FileHandle, open, readlink, rename, unlink } from "node:fs/promises";
import path from "node:path";
import { errorCode, fileProblem } from "./file-problem.ts";

/** Only the owner may read and write: keys.toml must not be readable by others, not even for a moment. */
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** A longer chain of links is a circle. */
const MAX_LINKS = 40;

/**
 * Replaces a file at once: readers see the old text or the new one. A link is followed, so that a config kept in a
 * dotfiles folder stays there. When it fails, the old file is unchanged and nothing is left beside it.
 */
export async function writeFileAtomic(file: string, text: string): Promise<void> {
  try {
    await replace(await linkTarget(file), text);
  } catch (error) {
    throw fileProblem({ code: "cannot-write", doing: "write", file }, error);
  }
}

/** Creates the folder of a file, for its owner only. */
export function createFolderOf(file: string): void {
  const folder = path.dirname(file);
  try {
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
  } catch (error) {
    throw fileProblem({ code: "cannot-write", doing: "create", file: folder }, error);
  }
}

/** The file behind a link, even where that file does not exist yet. */
export async function linkTarget(file: string): Promise<string> {
  let current = path.resolve(file);
  for (let links = 0; links < MAX_LINKS; links++) {
    const next = await readlink(current).catch(noLink);
    if (next === undefined) return realFolder(current);
    current = path.resolve(path.dirname(current), next);
  }
  throw Object.assign(new Error("too many links"), { code: "ELOOP" });
}

function noLink(error: unknown): undefined {
  const code = errorCode(error);
  if (code === "EINVAL" || code === "ENOENT" || code === "UNKNOWN") return undefined;
  throw error;
}

/** Two paths to one file must give one name, because its lock lies beside it. */
function realFolder(file: string): string {
  try {
    return path.join(realpathSync(path.dirname(file)), path.basename(file));
  } catch {
    return file;
  }
}

/** Matches the names of half-written copies of a file, those of earlier versions included. */
export function tempPattern(name: string): RegExp {
  return new RegExp(`^\\.${RegExp.escape(name)}\\.[0-9a-f.-]+\\.tmp$`);
}

async function replace(target: string, text: string): Promise<void> {
  const folder = path.dirname(target);
  const temp = path.join(folder, `.${path.basename(target)}.${crypto.randomUUID()}.tmp`);
  const handle = await open(temp, "wx", PRIVATE_FILE);
  try {
    await fill(handle, text);
    await rename(temp, target);
  } catch (error) {
    await unlink(temp).catch(() => undefined);
    throw error;
  }
  await syncFolder(folder);
}

async function fill(handle: FileHandle, text: string): Promise<void> {
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the rename itself durable, where the system can: Windows cannot open a folder. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    await handle.sync().finally(() => handle.close());
  } catch {
    // The file is complete either way; only a power cut right now could bring the old one back.
  }
}
