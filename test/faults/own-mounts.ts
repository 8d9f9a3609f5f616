import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** As root, or as a user where user namespaces are allowed. */
const WAYS = [
  ["unshare", "--mount"],
  ["unshare", "--map-root-user", "--mount"],
];

/** The command in which a process can mount privately; undefined if this machine does not allow it. */
export function ownMounts(): readonly string[] | undefined {
  if (process.platform !== "linux") return undefined;
  const folder = mkdtempSync(join(tmpdir(), "orouter-mount-"));
  try {
    return WAYS.find((way) => {
      try {
        const command = [...way, "mount", "-t", "tmpfs", "tmpfs", folder];
        return Bun.spawnSync(command, { stderr: "ignore" }).exitCode === 0;
      } catch {
        return false;
      }
    });
  } finally {
    rmdirSync(folder);
  }
}
