import { rmdirSync, rmSync } from "node:fs";
import { type Keychain, keychainName } from "../../config/keychain.ts";
import type { KeyEntry } from "../../core/settings/key-entries.ts";

/** What could not be removed, and why. */
export interface Refusal {
  path: string;
  why: string;
}

/** Removes files and folders, each by itself: one that is held must not keep the others. */
export function removeAll(paths: readonly string[]): Refusal[] {
  return paths.flatMap((path) => {
    try {
      rmSync(path, { recursive: true, force: true });
      return [];
    } catch (cause) {
      return [{ path, why: (cause as NodeJS.ErrnoException).code ?? "unknown" }];
    }
  });
}

/** Removes folders in which nothing is left; returns those that hold something of somebody else's. */
export function removeEmpty(folders: readonly string[]): string[] {
  return folders.filter((folder) => {
    try {
      rmdirSync(folder);
      return false;
    } catch (cause) {
      return (cause as NodeJS.ErrnoException).code === "ENOTEMPTY";
    }
  });
}

/** Takes the secrets of these keys out of the system's keychain. */
export async function removeFromKeychain(
  entries: readonly KeyEntry[],
  keychain: Keychain,
): Promise<Refusal[]> {
  const refused: Refusal[] = [];
  for (const entry of entries) {
    const name = keychainName(entry);
    // What the keychain says may be anything; that it did not do it is what counts.
    await keychain
      .remove(name)
      .catch(() => refused.push({ path: `${name} in the keychain`, why: "refused" }));
  }
  return refused;
}
