import { basename } from "node:path";
import { shellWord } from "../../cli/shell-word.ts";

/** How a person removes the program itself: a program that deletes itself may delete the wrong one. */
export function programRemoval(execPath: string, platform: string = process.platform): string {
  const name = basename(execPath.replaceAll("\\", "/")).toLowerCase();
  // Run from source, the program that runs is Bun.
  if (name === "bun" || name === "bun.exe")
    return "orouter runs from its sources here: there is no program to remove.";
  if (/[/\\]node_modules[/\\]/.test(execPath))
    return `The program itself is ${execPath}. Remove it with: npm uninstall -g orouter`;
  const command = platform === "win32" ? `del "${execPath}"` : `rm ${shellWord(execPath)}`;
  return `The program itself is ${execPath}. Remove it with: ${command}`;
}
